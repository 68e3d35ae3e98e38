package org.bitscarp.compute;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;

import java.lang.foreign.MemorySegment;
import org.bitscarp.compute.internal.HostBackend;
import org.bitscarp.compute.internal.HostTensor;

/**
 * Every operation as one would write it on paper, sums in double: the executable specification that the fast backends are
 * tested against. Correct and slow.
 */
public final class ScalarBackend extends HostBackend {
    @Override
    public String name() {
        return "scalar";
    }

    @Override
    public String description() {
        return "scalar specification, 1 thread";
    }

    @Override
    public int lanes() {
        return 1;
    }

    @Override
    public void matmul(Tensor x, Tensor w, Tensor y) {
        Operands.requireMatmul(x, w, y);
        for (int m = 0; m < x.rows(); m++) {
            for (int n = 0; n < w.rows(); n++) {
                double sum = 0;
                for (int k = 0; k < x.columns(); k++) {
                    sum += (double) get(x, m, k) * get(w, n, k);
                }
                set(y, m, n, (float) sum);
            }
        }
    }

    @Override
    public void addBias(Tensor x, Tensor bias) {
        Operands.requireBias(x, bias);
        for (int row = 0; row < x.rows(); row++) {
            for (int i = 0; i < x.columns(); i++) {
                set(x, row, i, get(x, row, i) + get(bias, 0, i));
            }
        }
    }

    @Override
    public void add(Tensor x, Tensor y) {
        Operands.requireSameShape("add", x, y);
        for (int row = 0; row < x.rows(); row++) {
            for (int i = 0; i < x.columns(); i++) {
                set(x, row, i, get(x, row, i) + get(y, row, i));
            }
        }
    }

    @Override
    public void rmsNorm(Tensor x, Tensor gain, float epsilon, Tensor y) {
        Operands.requireRmsNorm(x, gain, y);
        for (int row = 0; row < x.rows(); row++) {
            double squares = 0;
            for (int i = 0; i < x.columns(); i++) {
                squares += (double) get(x, row, i) * get(x, row, i);
            }
            double inverse = 1 / Math.sqrt(squares / x.columns() + epsilon);
            for (int i = 0; i < x.columns(); i++) {
                set(y, row, i, (float) (get(x, row, i) * inverse * get(gain, 0, i)));
            }
        }
    }

    @Override
    public void layerNorm(Tensor x, Tensor gain, Tensor bias, float epsilon, Tensor y) {
        Operands.requireLayerNorm(x, gain, bias, y);
        for (int row = 0; row < x.rows(); row++) {
            double mean = 0;
            for (int i = 0; i < x.columns(); i++) {
                mean += get(x, row, i);
            }
            mean /= x.columns();
            double squares = 0;
            for (int i = 0; i < x.columns(); i++) {
                squares += (get(x, row, i) - mean) * (get(x, row, i) - mean);
            }
            double inverse = 1 / Math.sqrt(squares / x.columns() + epsilon);
            for (int i = 0; i < x.columns(); i++) {
                set(y, row, i, (float) ((get(x, row, i) - mean) * inverse * get(gain, 0, i) + get(bias, 0, i)));
            }
        }
    }

    @Override
    public void rope(Tensor x, int headDim, Tensor cos, Tensor sin) {
        Operands.requireRope(x, headDim, cos, sin);
        int half = cos.columns();
        for (int row = 0; row < x.rows(); row++) {
            int position = row % cos.rows();
            for (int head = 0; head < x.columns(); head += headDim) {
                for (int i = 0; i < half; i++) {
                    int first = head + i;
                    int second = head + i + half;
                    double c = get(cos, position, i);
                    double s = get(sin, position, i);
                    double a = get(x, row, first);
                    double b = get(x, row, second);
                    set(x, row, first, (float) (a * c - b * s));
                    set(x, row, second, (float) (b * c + a * s));
                }
            }
        }
    }

    @Override
    public void attention(Tensor q, Tensor k, Tensor v, AttentionShape shape, Tensor out) {
        int d = shape.headDim();
        double[] p = new double[shape.length()];
        for (int row = 0; row < q.rows(); row++) {
            int start = row - row % shape.length();
            int first = start + shape.firstVisible(row - start);
            for (int head = 0; head < shape.heads(); head++) {
                int at = head * d;
                int kvAt = head / (shape.heads() / shape.kvHeads()) * d;
                double max = Double.NEGATIVE_INFINITY;
                for (int other = first; other <= row; other++) {
                    double dot = 0;
                    for (int i = 0; i < d; i++) {
                        dot += (double) get(q, row, at + i) * get(k, other, kvAt + i);
                    }
                    p[other - start] = capped(dot * shape.scale(), shape.softCap());
                    max = Math.max(max, p[other - start]);
                }
                double sum = 0;
                for (int other = first; other <= row; other++) {
                    p[other - start] = Math.exp(p[other - start] - max);
                    sum += p[other - start];
                }
                for (int i = 0; i < d; i++) {
                    double mixed = 0;
                    for (int other = first; other <= row; other++) {
                        mixed += p[other - start] * get(v, other, kvAt + i);
                    }
                    set(out, row, at + i, (float) (mixed / sum));
                }
            }
        }
    }

    private static double capped(double score, float cap) {
        return cap == 0 ? score : cap * Math.tanh(score / cap);
    }

    @Override
    public void activate(Activation f, Tensor x) {
        for (int row = 0; row < x.rows(); row++) {
            for (int i = 0; i < x.columns(); i++) {
                set(x, row, i, (float) f.apply(get(x, row, i)));
            }
        }
    }

    @Override
    public void activateMultiply(Activation f, Tensor gate, Tensor up) {
        Operands.requireSameShape("gate", gate, up);
        for (int row = 0; row < gate.rows(); row++) {
            for (int i = 0; i < gate.columns(); i++) {
                set(gate, row, i, (float) (f.apply(get(gate, row, i)) * get(up, row, i)));
            }
        }
    }

    @Override
    public void softCap(Tensor x, float cap) {
        for (int row = 0; row < x.rows(); row++) {
            for (int i = 0; i < x.columns(); i++) {
                set(x, row, i, (float) capped(get(x, row, i), cap));
            }
        }
    }

    @Override
    public void roundToInt8(Tensor x) {
        for (int row = 0; row < x.rows(); row++) {
            float max = 0;
            for (int i = 0; i < x.columns(); i++) {
                max = Math.max(max, Math.abs(get(x, row, i)));
            }
            float scale = 127 / Math.max(max, 1e-5f);
            for (int i = 0; i < x.columns(); i++) {
                double rounded = Math.rint(get(x, row, i) * scale);
                set(x, row, i, (float) Math.max(-128, Math.min(127, rounded)) / scale);
            }
        }
    }

    @Override
    public void gatherRows(Tensor from, int[] rows, Tensor to) {
        Operands.requireRows("gather", rows, to, from);
        for (int row = 0; row < to.rows(); row++) {
            for (int i = 0; i < to.columns(); i++) {
                set(to, row, i, get(from, rows[row], i));
            }
        }
    }

    @Override
    public void addScaledRows(Tensor x, int[] rows, float[] weights, Tensor y) {
        Operands.requireRows("add rows", rows, y, x);
        for (int row = 0; row < y.rows(); row++) {
            for (int i = 0; i < y.columns(); i++) {
                set(x, rows[row], i, get(x, rows[row], i) + weights[row] * get(y, row, i));
            }
        }
    }

    @Override
    public double squaredDistance(Tensor x, Tensor y) {
        Operands.requireSameShape("distance", x, y);
        double sum = 0;
        for (int row = 0; row < x.rows(); row++) {
            for (int i = 0; i < x.columns(); i++) {
                double difference = (double) get(x, row, i) - get(y, row, i);
                sum += difference * difference;
            }
        }
        return sum;
    }

    @Override
    public double squaredNorm(Tensor x) {
        double sum = 0;
        for (int row = 0; row < x.rows(); row++) {
            for (int i = 0; i < x.columns(); i++) {
                sum += (double) get(x, row, i) * get(x, row, i);
            }
        }
        return sum;
    }

    @Override
    public void addColumnSquares(Tensor x, double[] sums) {
        Operands.requireColumnSums(x, sums);
        for (int row = 0; row < x.rows(); row++) {
            for (int i = 0; i < x.columns(); i++) {
                sums[i] += (double) get(x, row, i) * get(x, row, i);
            }
        }
    }

    @Override
    public void addOuterProducts(Tensor x, int first, int count, Tensor sums) {
        Operands.requireOuterProducts(x, first, count, sums);
        for (int i = first; i < first + count; i++) {
            for (int j = i; j < x.columns(); j++) {
                double sum = 0;
                for (int row = 0; row < x.rows(); row++) {
                    sum += (double) get(x, row, i) * get(x, row, j);
                }
                set(sums, i, j, (float) (get(sums, i, j) + sum));
            }
        }
    }

    @Override
    public void addCompensated(Tensor part, int first, int count, Tensor sums, Tensor low) {
        Operands.requireCompensated(part, first, count, sums, low);
        for (int row = first; row < first + count; row++) {
            for (int i = 0; i < part.columns(); i++) {
                float a = get(sums, row, i);
                float b = get(part, row, i);
                float sum = a + b;
                float added = sum - a;
                float lost = a - (sum - added) + (b - added);
                set(sums, row, i, sum);
                set(low, row, i, get(low, row, i) + lost);
                set(part, row, i, 0);
            }
        }
    }

    @Override
    public void scoreReference(Tensor logits, int firstToken, int[] targets, Scores scores, Tensor exponentials) {
        for (int row = 0; row < logits.rows(); row++) {
            takeSlice(logits, row, firstToken, targets[row], scores);
            for (int i = 0; i < logits.columns(); i++) {
                set(exponentials, row, i, (float) Math.exp((double) get(logits, row, i) - scores.max[row]));
            }
        }
    }

    @Override
    public void scoreAgainst(
            Tensor referenceLogits,
            Tensor exponentials,
            Scores reference,
            Tensor logits,
            int firstToken,
            int[] targets,
            Scores scores) {
        for (int row = 0; row < logits.rows(); row++) {
            takeSlice(logits, row, firstToken, targets[row], scores);
            double cross = 0;
            for (int i = 0; i < logits.columns(); i++) {
                double e = get(exponentials, row, i);
                cross += e * ((double) get(referenceLogits, row, i) - get(logits, row, i));
            }
            scores.cross[row] = scores.cross[row] * reference.rescale[row] + cross;
        }
    }

    /** Online log-sum-exp (Milakov and Gimelshein 2018, algorithm 3), target and arg max of one row's slice. */
    private static void takeSlice(Tensor logits, int row, int firstToken, int target, Scores scores) {
        float old = scores.max[row];
        for (int i = 0; i < logits.columns(); i++) {
            if (get(logits, row, i) > scores.max[row]) {
                scores.max[row] = get(logits, row, i);
                scores.argmax[row] = firstToken + i;
            }
            if (firstToken + i == target) {
                scores.target[row] = get(logits, row, i);
            }
        }
        scores.rescale[row] = old == scores.max[row] ? 1 : Math.exp((double) old - scores.max[row]);
        double sum = 0;
        for (int i = 0; i < logits.columns(); i++) {
            sum += Math.exp((double) get(logits, row, i) - scores.max[row]);
        }
        scores.sum[row] = scores.sum[row] * scores.rescale[row] + sum;
    }

    private static float get(Tensor t, int row, int column) {
        HostTensor h = (HostTensor) t;
        return h.data().getAtIndex(JAVA_FLOAT, (long) row * h.columns() + column);
    }

    private static void set(Tensor t, int row, int column, float value) {
        HostTensor h = (HostTensor) t;
        MemorySegment data = h.data();
        data.setAtIndex(JAVA_FLOAT, (long) row * h.columns() + column, value);
    }
}
