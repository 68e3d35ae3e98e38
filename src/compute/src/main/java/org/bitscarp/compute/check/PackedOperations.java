package org.bitscarp.compute.check;

import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.bitscarp.compute.PackedProducts;
import org.bitscarp.compute.Tensor;
import org.bitscarp.quant.BlockFormat;
import org.bitscarp.quant.Level;
import org.bitscarp.quant.PackedMatrix;

/** What of {@link Operations} is done with packed weights, for storage formats of every kind. */
final class PackedOperations {
    private static final List<String> FORMATS = Stream.concat(
                    Stream.of("fp32", "fp16", "bf16"), RandomWeights.FORMATS.stream())
            .toList();

    private final List<BackendCheck.Operation> list = new ArrayList<>();

    private PackedOperations() {}

    static List<BackendCheck.Operation> all() {
        PackedOperations operations = new PackedOperations();
        operations.decoding();
        operations.lookups();
        operations.products();
        return operations.list;
    }

    private void add(String name, String size, BackendCheck.Work work) {
        list.add(new BackendCheck.Operation(name, size, work));
    }

    /** Exact. */
    private void decoding() {
        for (String words : FORMATS) {
            BlockFormat format = Level.parse(words).format();
            int columns = format.supports(129) ? 129 : 512;
            add("decode " + words, "5 × " + columns, scene -> {
                try (Arena arena = Arena.ofShared()) {
                    PackedMatrix packed = RandomWeights.packed(format, 5, columns, scene.random(), arena);
                    Tensor target = scene.tensor(5, columns);
                    scene.backend().decode(packed, 1, 5, target);
                    scene.result(target, 0, 0);
                }
            });
        }
    }

    /** Rows by index, as embeddings are looked up; exact. What keeps nothing packed decodes first. */
    private void lookups() {
        for (String words : FORMATS) {
            BlockFormat format = Level.parse(words).format();
            int columns = format.supports(129) ? 129 : 512;
            add("look up " + words, "7 of 5 × " + columns, scene -> {
                int[] rows = {4, 0, 0, 3, 4, 1, 4};
                Tensor room = scene.tensor(5, columns);
                Tensor target = scene.tensor(rows.length, columns);
                try (Arena arena = Arena.ofShared()) {
                    PackedMatrix packed = RandomWeights.packed(format, 5, columns, scene.random(), arena);
                    PackedProducts products = scene.backend().packedProducts().orElse(null);
                    if (products == null) {
                        scene.backend().decode(packed, 0, 5, room);
                        scene.backend().gatherRows(room, rows, target);
                    } else {
                        products.gatherRows(products.upload(packed, room), rows, target);
                    }
                }
                scene.result(target, 0, 0);
            });
        }
    }

    /** Few rows, straight from the packed bytes where the backend can; what cannot decodes and multiplies. */
    private void products() {
        for (String words : FORMATS) {
            BlockFormat format = Level.parse(words).format();
            int columns = format.supports(129) ? 129 : 512;
            for (int rows : new int[] {1, 7, 17}) {
                add("packed matmul", words + ", " + rows + " × 5 × " + columns, scene -> {
                    Tensor x = scene.tensor(rows, columns);
                    Tensor y = scene.tensor(rows, 5);
                    try (Arena arena = Arena.ofShared()) {
                        multiply(scene, x, RandomWeights.packed(format, 5, columns, scene.random(), arena), y);
                    }
                    // As in a product with weights that are within ±1.
                    scene.result(y, (columns + 2) * Operations.UNIT * 4 * Math.sqrt(columns), 0);
                });
            }
        }
    }

    private static void multiply(Scene scene, Tensor x, PackedMatrix packed, Tensor y) {
        PackedProducts products = scene.backend().packedProducts().orElse(null);
        Tensor room = scene.tensor(packed.rows(), packed.columns());
        if (products != null && products.multiplies(packed.format(), packed.columns(), x.rows())) {
            products.matmul(x, products.upload(packed, room), y);
        } else {
            scene.backend().decode(packed, 0, packed.rows(), room);
            scene.backend().matmul(x, room, y);
        }
    }
}
