package org.bitscarp.compute.check;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.bitscarp.compute.Activation;
import org.bitscarp.compute.AttentionShape;
import org.bitscarp.compute.LogitScorer;
import org.bitscarp.compute.Scores;
import org.bitscarp.compute.Tensor;
import org.bitscarp.compute.TopTokens;

/** The list of {@link BackendCheck}: what each operation is given, and by how much its results may differ and why. */
final class Operations {
    /** fp32 unit roundoff, 2⁻²⁴. */
    static final double UNIT = 0x1p-24;
    /** Error of exp and of one division or square root, in units: Cephes' polynomial 3, the operations around it 2. */
    private static final double ELEMENTARY = 8 * UNIT;

    private static final int[] SIZES = {1, 3, 7, 8, 15, 16, 17, 31, 33, 63, 129, 1025, 4097};

    private final List<BackendCheck.Operation> list = new ArrayList<>();

    private Operations() {}

    static List<BackendCheck.Operation> all() {
        Operations operations = new Operations();
        operations.products();
        operations.elements();
        operations.norms();
        operations.positions();
        operations.rows();
        operations.sums();
        operations.scores();
        operations.heads();
        operations.list.addAll(PackedOperations.all());
        return List.copyOf(operations.list);
    }

    private void add(String name, String size, BackendCheck.Work work) {
        list.add(new BackendCheck.Operation(name, size, work));
    }

    private void products() {
        int[][] shapes = {
            {1, 1, 1},
            {1, 7, 3},
            {5, 1, 31},
            {6, 64, 16},
            {7, 65, 17},
            {13, 31, 129},
            {12, 33, 512},
            {33, 129, 7},
            {193, 67, 513},
            {6, 32, 1025},
            {200, 2049, 5}
        };
        for (int[] s : shapes) {
            int k = s[2];
            add("matmul", s[0] + " × " + s[1] + " × " + k, scene -> {
                Tensor y = scene.tensor(s[0], s[1]);
                scene.backend().matmul(scene.tensor(s[0], k), scene.tensor(s[1], k), y);
                // k roundings at most of a running value of about √k·σ², inputs being within ±2.
                scene.result(y, (k + 2) * UNIT * 4 * Math.sqrt(k), 0);
            });
        }
        int[][] panels = {
            {1, 1, 0, 1}, {5, 7, 0, 7}, {33, 40, 0, 40}, {300, 129, 64, 65}, {7, 200, 130, 3}, {2048, 65, 1, 64}
        };
        for (int[] p : panels) {
            add("outer products", p[0] + " × " + p[1] + ", rows " + p[2] + " on", scene -> {
                Tensor sums = scene.tensor(p[1], p[1]);
                scene.backend().addOuterProducts(scene.tensor(p[0], p[1]), p[2], p[3], sums);
                double[] found = scene.values(sums);
                // What lies in the panel's rows before the diagonal is the backend's own affair.
                for (int row = p[2]; row < p[2] + p[3]; row++) {
                    Arrays.fill(found, row * p[1] + p[2], row * p[1] + row, 0);
                }
                // As in a product of that depth, and one addition more.
                scene.result(found, (p[0] + 3) * UNIT * 4 * Math.sqrt(p[0]), 0);
            });
        }
    }

    private void elements() {
        for (int n : SIZES) {
            add("add, add bias", "3 × " + n, scene -> {
                Tensor x = scene.tensor(3, n);
                scene.backend().add(x, scene.tensor(3, n));
                scene.backend().addBias(x, scene.tensor(1, n));
                scene.result(x, 0, 0);
            });
            for (Activation f : Activation.values()) {
                add(f.toString().toLowerCase(java.util.Locale.ROOT), "3 × " + n, scene -> {
                    Tensor x = scene.tensor(3, n, 9);
                    Tensor gate = scene.tensor(3, n, 9);
                    scene.backend().activate(f, x);
                    scene.backend().activateMultiply(f, gate, scene.tensor(3, n));
                    // The exponent of e^(x²/2) at x = 9 carries 40 times its own rounding.
                    scene.result(x, 16 * UNIT, 64 * ELEMENTARY);
                    scene.result(gate, 16 * UNIT, 64 * ELEMENTARY);
                });
            }
            add("compensated sum", "3 × " + n, scene -> {
                Tensor sums = scene.tensor(3, n, 1000);
                Tensor low = scene.tensor(3, n, 1e-6f);
                Tensor part = scene.tensor(3, n);
                scene.backend().addCompensated(part, 1, 2, sums, low);
                scene.result(sums, 0, 0);
                scene.result(low, 0, 0);
                scene.result(part, 0, 0);
            });
            add("soft cap", "2 × " + n, scene -> {
                Tensor x = scene.tensor(2, n, 100);
                scene.backend().softCap(x, 30);
                scene.result(x, 0, 4 * ELEMENTARY);
            });
            add("round to int8", "4 × " + n, scene -> {
                Tensor x = scene.tensor(4, n, 3);
                scene.backend().roundToInt8(x);
                scene.result(x, 0, 0);
            });
        }
    }

    private void norms() {
        for (int n : new int[] {1, 7, 16, 31, 33, 129, 4097}) {
            add("rms norm", "5 × " + n, scene -> {
                Tensor x = scene.tensor(5, n);
                Tensor gain = scene.tensor(1, n);
                Tensor y = scene.tensor(5, n);
                scene.backend().rmsNorm(x, gain, 1e-5f, y);
                scene.backend().rmsNorm(x, gain, 1e-5f, x);
                scene.result(y, 16 * ELEMENTARY * Math.sqrt(n), 0);
                scene.result(x, 16 * ELEMENTARY * Math.sqrt(n), 0);
            });
            add("layer norm", "5 × " + n, scene -> {
                Tensor x = scene.tensor(5, n);
                Tensor gain = scene.tensor(1, n);
                Tensor bias = scene.tensor(1, n);
                Tensor y = scene.tensor(5, n);
                scene.backend().layerNorm(x, gain, bias, 1e-5f, y);
                scene.backend().layerNorm(x, gain, bias, 1e-5f, x);
                // The greatest normed value is below √n.
                scene.result(y, 8 * ELEMENTARY * (1 + Math.sqrt(n)), 0);
                scene.result(x, 8 * ELEMENTARY * (1 + Math.sqrt(n)), 0);
            });
        }
    }

    private void positions() {
        int[][] rotations = {
            {1, 2, 3, 1},
            {3, 16, 5, 8},
            {2, 64, 7, 32},
            {2, 66, 4, 33},
            {3, 8, 5, 3},
            {2, 128, 3, 16},
            {2, 80, 4, 16},
            {1, 7, 3, 1}
        };
        for (int[] r : rotations) {
            add("rope", r[0] + " heads of " + r[1] + ", " + r[3] + " pairs", scene -> {
                Tensor x = scene.tensor(2 * r[2], r[0] * r[1]);
                scene.backend().rope(x, r[1], scene.tensor(r[2], r[3]), scene.tensor(r[2], r[3]));
                // Two products and their sum, each below 4.
                scene.result(x, 32 * UNIT, 0);
            });
        }
        attention(new AttentionShape(1, 1, 1, 4), 1);
        attention(new AttentionShape(7, 2, 1, 8), 2);
        attention(new AttentionShape(33, 4, 2, 16), 1);
        attention(new AttentionShape(129, 3, 3, 7), 2);
        attention(new AttentionShape(130, 2, 1, 64), 1);
        attention(new AttentionShape(31, 8, 4, 32), 3);
        attention(new AttentionShape(130, 4, 2, 16, 0.25f, 0, 7), 2);
        attention(new AttentionShape(300, 2, 2, 7, 0.5f, 20, 129), 1);
        attention(new AttentionShape(150, 4, 1, 24, 1, 0.5f, 0), 2);
    }

    private void attention(AttentionShape s, int windows) {
        add("attention", windows + " × " + s.length() + ", " + s.heads() + " heads of " + s.headDim(), scene -> {
            int rows = windows * s.length();
            Tensor q = scene.tensor(rows, s.heads() * s.headDim());
            Tensor k = scene.tensor(rows, s.kvHeads() * s.headDim());
            Tensor v = scene.tensor(rows, s.kvHeads() * s.headDim());
            Tensor out = scene.tensor(rows, s.heads() * s.headDim());
            scene.backend().attention(q, k, v, s, out);
            // Scores up to about 4·d·scale carry d roundings each into the exponent; the mix adds `length` more.
            int d = s.headDim();
            scene.result(out, (d + s.length() + 16) * UNIT * 8 * Math.max(1, d * s.scale()), 0);
        });
    }

    private void rows() {
        for (int n : new int[] {1, 7, 16, 33, 129}) {
            add("gather rows", "7 × " + n, scene -> {
                Tensor to = scene.tensor(7, n);
                scene.backend().gatherRows(scene.tensor(5, n), new int[] {4, 0, 0, 3, 4, 1, 4}, to);
                scene.result(to, 0, 0);
            });
            add("place tokens", "6 × " + n, scene -> {
                Tensor x = scene.tensor(6, n);
                scene.backend().placeTokens(x, 1.7f, scene.tensor(9, n), 5, 3);
                scene.result(x, 0, 0);
                scene.backend().placeTokens(x, 0.3f, null, 0, 3);
                scene.result(x, 0, 0);
            });
            add("add scaled rows", "6 × " + n, scene -> {
                Tensor x = scene.tensor(4, n);
                float[] weights = {0.5f, -1, 0.25f, 0, 3, 1e-3f};
                scene.backend().addScaledRows(x, new int[] {2, 0, 2, 2, 3, 0}, weights, scene.tensor(6, n));
                // Up to three products are added to a row in turn, fused or not.
                scene.result(x, 16 * UNIT, 0);
            });
        }
    }

    private void sums() {
        for (int n : new int[] {1, 15, 33, 300, 5000}) {
            add("squared norm, distance, column squares", "3 × " + n, scene -> {
                Tensor x = scene.tensor(3, n);
                double[] columns = new double[n];
                scene.backend().addColumnSquares(x, columns);
                scene.result(
                        new double[] {
                            scene.backend().squaredNorm(x), scene.backend().squaredDistance(x, scene.tensor(3, n))
                        },
                        0,
                        64 * UNIT);
                scene.result(columns, 0, 64 * UNIT);
            });
        }
    }

    private void scores() {
        for (int[] s : new int[][] {{1, 1}, {17, 17}, {40, 7}, {300, 129}, {4096, 4096}, {1000, 333}}) {
            add("scores", s[0] + " tokens in slices of " + s[1], scene -> scores(scene, s[0], s[1]));
        }
    }

    private static void scores(Scene scene, int vocabulary, int slice) {
        int rows = 5;
        int[] targets = {0, vocabulary - 1, vocabulary / 2, -1, vocabulary / 3};
        Scores reference = new Scores(rows);
        Scores level = new Scores(rows);
        TopTokens top = new TopTokens(rows);
        for (int first = 0; first < vocabulary; first += slice) {
            int n = Math.min(slice, vocabulary - first);
            Tensor zr = scene.tensor(rows, n, 8);
            Tensor zl = scene.tensor(rows, n, 8);
            Tensor exponentials = scene.tensor(rows, n);
            scene.backend().scoreReference(zr, first, targets, reference, exponentials);
            scene.backend().scoreAgainst(zr, exponentials, reference, zl, first, targets, level);
            scene.backend().keepTop(zl, first, top);
        }
        double[] real = new double[3 * rows];
        double[] tokens = new double[rows * (1 + TopTokens.COUNT)];
        for (int row = 0; row < rows; row++) {
            real[3 * row] = level.logSumExp(row);
            real[3 * row + 1] = level.negativeLogLikelihood(row);
            real[3 * row + 2] = level.klDivergence(reference, row);
            tokens[row * (1 + TopTokens.COUNT)] = level.top1(row);
            for (int rank = 0; rank < TopTokens.COUNT; rank++) {
                tokens[row * (1 + TopTokens.COUNT) + 1 + rank] = top.token(row, rank);
            }
        }
        // Exponentials of differences up to 16, summed in double.
        scene.result(real, 1024 * ELEMENTARY, 0);
        scene.result(tokens, 0, 0);
    }

    private void heads() {
        int[][] shapes = {{1, 1, 1, 1}, {3, 7, 31, 0}, {33, 129, 7, 30}, {7, 300, 64, 0}, {130, 257, 33, 5}};
        for (int[] s : shapes) {
            String size = s[0] + " rows of " + s[2] + ", " + s[1] + " tokens" + (s[3] == 0 ? "" : ", cap " + s[3]);
            add("logits to scores", size, scene -> heads(scene, s[0], s[1], s[2], s[3]));
        }
    }

    /** Two tiles, one of them narrow; a level with its own states and projection, and one that is the reference again. */
    private static void heads(Scene scene, int rows, int vocabulary, int hidden, float cap) {
        int[] targets = new int[rows];
        for (int row = 0; row < rows; row++) {
            targets[row] = row % 5 == 3 ? -1 : row * 31 % vocabulary;
        }
        Scores[] scores = {new Scores(rows), new Scores(rows), new Scores(rows)};
        TopTokens[] tops = {null, new TopTokens(rows), new TopTokens(rows)};
        // Logits of some units whatever the depth.
        double range = 2 / Math.sqrt(hidden);
        Tensor[] x = {scene.tensor(rows, hidden), scene.tensor(rows, hidden)};
        Tensor[] heads = {scene.tensor(vocabulary, hidden, range), scene.tensor(vocabulary, hidden, range)};
        LogitScorer scorer = scene.backend().newLogitScorer(scene.memory(), rows, vocabulary, true);
        int step = Math.min(scorer.width(), Math.ceilDiv(2 * vocabulary, 3));
        for (int first = 0; first < vocabulary; first += step) {
            int n = Math.min(step, vocabulary - first);
            LogitScorer.Tile tile = new LogitScorer.Tile(first, targets);
            LogitScorer.Logits reference = new LogitScorer.Logits(x[0], heads[0].slice(first, n), cap);
            scorer.reference(reference, tile, scores[0], tops[0]);
            scorer.against(
                    new LogitScorer.Logits(x[1], heads[1].slice(first, n), cap), tile, scores[0], scores[1], tops[1]);
            scorer.against(reference, tile, scores[0], scores[2], tops[2]);
        }
        double[] real = new double[4 * rows];
        double[] tokens = new double[2 * rows * TopTokens.COUNT];
        double[] same = new double[2 * rows];
        for (int row = 0; row < rows; row++) {
            real[4 * row] = scores[0].negativeLogLikelihood(row);
            real[4 * row + 1] = scores[1].negativeLogLikelihood(row);
            real[4 * row + 2] = scores[1].klDivergence(scores[0], row);
            real[4 * row + 3] = scores[1].confidence(row);
            for (int rank = 0; rank < TopTokens.COUNT; rank++) {
                tokens[(2 * row) * TopTokens.COUNT + rank] = tops[1].token(row, rank);
                tokens[(2 * row + 1) * TopTokens.COUNT + rank] = tops[2].token(row, rank);
            }
            same[2 * row] = scores[2].klDivergence(scores[0], row);
            same[2 * row + 1] = scores[2].top1(row) - scores[0].top1(row);
        }
        // A logit is a sum of `hidden` products of running value up to 8; two of them, and the exponentials' own error.
        scene.result(real, 16 * (hidden + 2) * UNIT + 1024 * ELEMENTARY, 0);
        scene.result(tokens, 0, 0);
        scene.result(same, 0, 0);
    }
}
