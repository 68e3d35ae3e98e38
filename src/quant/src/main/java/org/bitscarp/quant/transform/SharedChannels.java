package org.bitscarp.quant.transform;

/**
 * Channels of query heads that read the same value head (grouped queries, arXiv 2305.13245): channel i of each of a group's
 * heads is one channel of the values.
 *
 * @param heads query heads
 * @param valueHeads divides {@code heads}
 * @param headDim channels of a head
 */
public record SharedChannels(int heads, int valueHeads, int headDim) {
    /** Means over the heads of each group: one value for each channel of the values. */
    public float[] mean(float[] ofQueries) {
        int group = heads / valueHeads;
        float[] mean = new float[valueHeads * headDim];
        for (int c = 0; c < mean.length; c++) {
            double sum = 0;
            for (int q = 0; q < group; q++) {
                sum += ofQueries[(c / headDim * group + q) * headDim + c % headDim];
            }
            mean[c] = (float) (sum / group);
        }
        return mean;
    }

    /** The channels of the values, repeated for the queries that read them. */
    public float[] spread(float[] ofValues) {
        int group = heads / valueHeads;
        float[] spread = new float[heads * headDim];
        for (int c = 0; c < spread.length; c++) {
            spread[c] = ofValues[c / headDim / group * headDim + c % headDim];
        }
        return spread;
    }
}
