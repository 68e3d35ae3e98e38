package org.bitscarp.quant.transform;

/** The same orthogonal basis for each of several heads. */
public record Heads(Basis.Orthogonal head, int count) implements Basis.Orthogonal {
    @Override
    public int size() {
        return head.size() * count;
    }

    @Override
    public void apply(float[] x) {
        float[] part = new float[head.size()];
        for (int h = 0; h < count; h++) {
            System.arraycopy(x, h * part.length, part, 0, part.length);
            head.apply(part);
            System.arraycopy(part, 0, x, h * part.length, part.length);
        }
    }

    @Override
    public void undo(float[] x) {
        float[] part = new float[head.size()];
        for (int h = 0; h < count; h++) {
            System.arraycopy(x, h * part.length, part, 0, part.length);
            head.undo(part);
            System.arraycopy(part, 0, x, h * part.length, part.length);
        }
    }
}
