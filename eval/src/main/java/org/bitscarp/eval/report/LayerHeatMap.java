package org.bitscarp.eval.report;

import java.util.List;
import java.util.stream.IntStream;
import org.bitscarp.eval.report.SweepResult.Row;

/** Error of the residual stream after every layer, levels down and layers across. */
final class LayerHeatMap {
    private final List<Row> rows;

    LayerHeatMap(SweepResult result) {
        this.rows = result.rows().stream()
                .filter(r -> !r.reference() && r.layerErrors() != null && r.layerErrors().length > 0)
                .toList();
    }

    /** Whether any level has layer errors. */
    boolean present() {
        return !rows.isEmpty();
    }

    /** The legend and the table. */
    Svg draw() {
        int layers = rows.stream().mapToInt(r -> r.layerErrors().length).max().orElse(0);
        return new HeatMap(
                        "heat-caption",
                        "Levels by layers, in percent",
                        "Level",
                        rows.stream().map(Row::level).toList(),
                        IntStream.range(0, layers).mapToObj(Integer::toString).toList(),
                        rows.stream().map(Row::layerErrors).toArray(double[][]::new),
                        "layer ",
                        Figures::errorPercent,
                        " %")
                .draw("Relative error of the residual stream after each layer, ‖h − h_ref‖ / ‖h_ref‖, in percent.");
    }
}
