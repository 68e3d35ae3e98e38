package org.bitscarp.eval.budget;

import java.io.DataInput;
import java.io.DataOutput;
import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.bitscarp.eval.engine.CandidateErrors.Place;
import org.bitscarp.model.TensorRole;
import org.bitscarp.quant.BlockFormat;
import org.bitscarp.quant.Level;

/** How plans stand in the files of an interrupted sweep. */
final class PlanFormat {
    private PlanFormat() {}

    static void write(DataOutput out, BudgetPlan plan) throws IOException {
        out.writeUTF(plan.base().toString());
        out.writeInt(plan.formats().size());
        for (Map.Entry<Place, BlockFormat> entry : plan.formats().entrySet()) {
            out.writeUTF(entry.getKey().role().name());
            out.writeInt(entry.getKey().layer());
            out.writeUTF(entry.getValue().name());
        }
        out.writeDouble(plan.bitsPerWeight());
        out.writeDouble(plan.divergence());
        out.writeDouble(plan.uniform());
        out.writeBoolean(plan.fellBack());
        out.writeInt(plan.notes().size());
        for (String note : plan.notes()) {
            out.writeUTF(note);
        }
    }

    static BudgetPlan read(DataInput in) throws IOException {
        Level base = Level.parse(in.readUTF());
        Map<Place, BlockFormat> formats = new LinkedHashMap<>();
        for (int left = in.readInt(); left > 0; left--) {
            Place place = new Place(TensorRole.valueOf(in.readUTF()), in.readInt());
            formats.put(place, Level.parse(in.readUTF()).format());
        }
        double bits = in.readDouble();
        double divergence = in.readDouble();
        double uniform = in.readDouble();
        boolean fellBack = in.readBoolean();
        List<String> notes = new ArrayList<>();
        for (int left = in.readInt(); left > 0; left--) {
            notes.add(in.readUTF());
        }
        return new BudgetPlan(base, formats, bits, divergence, uniform, fellBack, notes);
    }
}
