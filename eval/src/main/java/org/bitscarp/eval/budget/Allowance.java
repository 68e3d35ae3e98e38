package org.bitscarp.eval.budget;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.Function;
import org.bitscarp.eval.engine.CandidateErrors.Place;
import org.bitscarp.model.Checkpoint;
import org.bitscarp.model.TensorRole;
import org.bitscarp.model.Weight;
import org.bitscarp.model.export.GgufOutput;
import org.bitscarp.quant.BlockFormat;

/** A budget for a certain model and file: what may be chosen, what counts, and how much of it there may be. */
final class Allowance {
    /**
     * A tensor whose format is to be chosen.
     *
     * @param places matrices in it
     * @param formats that it may have
     */
    record Tensor(List<Place> places, List<BlockFormat> formats) {}

    private final Checkpoint checkpoint;
    private final Budget budget;
    private final FileLayout layout;
    private final long limit;
    private final List<Tensor> tensors = new ArrayList<>();

    /** @throws IllegalArgumentException for a budget that even the smallest formats exceed, and where no format fits a map */
    Allowance(Checkpoint checkpoint, Budget budget, FileLayout layout) {
        this.checkpoint = checkpoint;
        this.budget = budget;
        this.layout = layout;
        limit = budget.bytes(checkpoint) - (budget.wholeFile() ? layout.rest() : 0);
        for (List<Place> places : layout.maps()) {
            tensors.add(new Tensor(places, fitting(places)));
        }
        tables().forEach((place, formats) -> tensors.add(new Tensor(List.of(place), formats)));
        requireEnough();
    }

    private List<BlockFormat> fitting(List<Place> places) {
        List<BlockFormat> fitting = new ArrayList<>(CandidateFormats.of(columns(places.getFirst())));
        places.forEach(place -> fitting.retainAll(CandidateFormats.of(columns(place))));
        if (fitting.isEmpty()) {
            throw new IllegalArgumentException(
                    weight(places.getFirst()).name() + " has rows of " + columns(places.getFirst())
                            + " weights, which are no whole number of blocks of any format that a budget chooses from"
                            + " (blocks of 32, 64 or 256)");
        }
        return fitting;
    }

    private void requireEnough() {
        long smallest = tensors.stream()
                .mapToLong(tensor -> tensor.formats.stream()
                        .mapToLong(format -> bytes(tensor, format))
                        .min()
                        .orElseThrow())
                .sum();
        if (smallest > limit) {
            throw new IllegalArgumentException(String.format(
                    Locale.ROOT,
                    "a budget of %s is less than the smallest formats take, %s; give at least that",
                    budget,
                    budget.wholeFile()
                            ? new Budget.FileBytes(layout.rest() + smallest) + " for the whole file"
                            // Rounded up, so that it is enough.
                            : String.format(
                                    Locale.ROOT,
                                    "%.3f bits per weight",
                                    Math.ceil(1000 * bitsPerWeight(smallest)) / 1000)));
        }
    }

    /** Formats of the tables that are chosen too. */
    Map<Place, List<BlockFormat>> tables() {
        return budget.wholeFile() ? layout.tables() : Map.of();
    }

    /** What is to be chosen: linear maps, and tables where they count. */
    List<Tensor> tensors() {
        return tensors;
    }

    /** Bytes that all chosen tensors may take together. */
    long limit() {
        return limit;
    }

    /** Whether formats of all places keep within the budget. */
    boolean allows(Map<Place, BlockFormat> formats) {
        return bytes(formats) <= limit;
    }

    /** Bytes that count of formats of all places. */
    long bytes(Map<Place, BlockFormat> formats) {
        return tensors.stream()
                .mapToLong(tensor -> bytes(tensor.places, formats::get))
                .sum();
    }

    /** Bytes that a tensor takes, with its padding where files count. */
    private long bytes(List<Place> places, Function<Place, BlockFormat> formats) {
        long bytes = places.stream()
                .mapToLong(place -> matrix(place, formats.apply(place)))
                .sum();
        return budget.wholeFile() ? GgufOutput.padded(bytes) : bytes;
    }

    /** The same in one of the formats that it may have. */
    long bytes(Tensor tensor, BlockFormat format) {
        return bytes(tensor.places, place -> format);
    }

    /** Bits per weight of all linear maps together. */
    double bitsPerWeight(Map<Place, BlockFormat> formats) {
        return bitsPerWeight(layout.maps().stream()
                .flatMap(List::stream)
                .mapToLong(place -> matrix(place, formats.get(place)))
                .sum());
    }

    private double bitsPerWeight(long bytes) {
        return 8.0 * bytes / Budget.mapWeights(checkpoint);
    }

    /**
     * Formats of all places.
     *
     * @param tables what tables have where that is open to choice; null for what they have otherwise
     */
    Map<Place, BlockFormat> formats(Function<Place, BlockFormat> maps, Function<Place, BlockFormat> tables) {
        Map<Place, BlockFormat> formats = new LinkedHashMap<>();
        layout.maps().forEach(places -> places.forEach(place -> formats.put(place, maps.apply(place))));
        layout.tables().forEach((place, allowed) -> {
            BlockFormat wanted = budget.wholeFile() && allowed.size() > 1 ? tables.apply(place) : null;
            formats.put(place, wanted == null ? allowed.getFirst() : wanted);
        });
        return formats;
    }

    private long matrix(Place place, BlockFormat format) {
        return weight(place).rows() * format.rowBytes(columns(place));
    }

    private int columns(Place place) {
        return Math.toIntExact(weight(place).columns());
    }

    private Weight weight(Place place) {
        return checkpoint
                .weight(place.role(), place.layer())
                .or(() -> checkpoint.weight(TensorRole.EMBEDDING, 0))
                .orElseThrow();
    }
}
