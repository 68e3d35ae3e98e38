package org.bitscarp.eval.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import org.bitscarp.compute.Backend;
import org.bitscarp.compute.CpuBackend;
import org.bitscarp.eval.budget.Budget;
import org.bitscarp.eval.budget.BudgetPlan;
import org.bitscarp.eval.budget.BudgetPlanner;
import org.bitscarp.eval.budget.FileLayout;
import org.bitscarp.eval.engine.CandidateErrors.Place;
import org.bitscarp.model.TensorRole;
import org.bitscarp.model.Weight;
import org.bitscarp.quant.BlockFormat;
import org.bitscarp.quant.FloatFormat;
import org.bitscarp.quant.Level;
import org.bitscarp.quant.LevelException;
import org.bitscarp.quant.Solvers;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class BudgetPlannerTest {
    private final RandomDecoder model = Architectures.of("llama");

    private static int[] tokens(int n, long seed) {
        return new SplittableRandom(seed).ints(n, 0, Architectures.VOCABULARY).toArray();
    }

    private List<Place> places() {
        List<Place> places = new ArrayList<>();
        for (int layer = 0; layer < model.spec().layers(); layer++) {
            for (TensorRole role : TensorRole.values()) {
                if (role.linear() && model.weight(role, layer).isPresent()) {
                    places.add(new Place(role, layer));
                }
            }
        }
        return places;
    }

    private BudgetPlan plan(String budget, List<List<Place>> together) throws IOException {
        return plan(budget, new FileLayout(together, Map.of(), 0), List.of());
    }

    private BudgetPlan plan(String budget, FileLayout layout, List<Recipe> rivals) throws IOException {
        return plans(List.of(budget), layout, rivals).getFirst();
    }

    private List<BudgetPlan> plans(List<String> budgets, FileLayout layout, List<Recipe> rivals) throws IOException {
        try (Backend backend = CpuBackend.create(CpuBackend.MatrixProduct.JAVA, 2)) {
            BudgetPlanner.Windows windows = new BudgetPlanner.Windows(
                    Measurements.plan(tokens(300, 1), 30),
                    Measurements.plan(tokens(200, 2), 40),
                    Measurements.plan(tokens(400, 3), 40));
            BudgetPlanner planner = new BudgetPlanner(model, Measurements.resources(backend), windows);
            List<BudgetPlan> plans = new ArrayList<>();
            for (String budget : budgets) {
                plans.add(planner.plan(Budget.parse(budget), layout, rivals));
            }
            return plans;
        }
    }

    private static List<List<Place>> single(List<Place> places) {
        return places.stream().map(List::of).toList();
    }

    /** Rows of 32 and 64 weights take iq4_nl (4.5 bits), q5_0 (5.5) and q8_0 (8.5). */
    @ParameterizedTest
    @ValueSource(doubles = {4.5, 5, 6.5, 9})
    void plansKeepTheirBudgetAndAreNotWorseThanOneFormat(double bits) throws IOException {
        BudgetPlan plan = plan(bits + "bpw:rtn", single(places()));
        double bytes = 0;
        double weights = 0;
        for (Place place : places()) {
            var weight = model.weight(place.role(), place.layer()).orElseThrow();
            bytes += weight.rows() * plan.formats().get(place).rowBytes(Math.toIntExact(weight.columns()));
            weights += weight.size();
        }
        assertTrue(8 * bytes / weights <= bits, 8 * bytes / weights + " bits");
        assertEquals(8 * bytes / weights, plan.bitsPerWeight(), 1e-12);
        assertTrue(plan.divergence() <= plan.uniform(), plan.notes().toString());
        assertEquals(plan.fellBack(), plan.notes().getFirst().contains("not better"));
        boolean uniform = new HashSet<>(plan.formats().values()).size() == 1;
        assertEquals(bits == 4.5 || bits == 9, uniform, plan.formats().toString());
        assertTrue(!plan.fellBack() || uniform);
        if (bits == 5) {
            assertFalse(plan.fellBack(), "half a bit more for some maps has to help: " + plan.notes());
        }
    }

    @Test
    void mapsOfOneTensorGetOneFormat() throws IOException {
        List<List<Place>> together = new ArrayList<>();
        for (int layer = 0; layer < model.spec().layers(); layer++) {
            int l = layer;
            together.add(places().stream().filter(p -> p.layer() == l).toList());
        }
        BudgetPlan plan = plan("6.5bpw:rtn", together);
        for (List<Place> group : together) {
            assertEquals(1, group.stream().map(plan.formats()::get).distinct().count());
        }
    }

    @Test
    void budgetsBelowTheSmallestFormatsAreRefused() {
        String message = assertThrows(IllegalArgumentException.class, () -> plan("3bpw:rtn", single(places())))
                .getMessage();
        double weights = places().stream()
                .mapToDouble(place ->
                        model.weight(place.role(), place.layer()).orElseThrow().size())
                .sum();
        double smallest = places().stream().mapToLong(this::smallest).sum() * 8 / weights;
        assertTrue(message.contains("a budget of 3.0bpw:rtn"), message);
        assertTrue(message.contains(String.format(Locale.ROOT, ", %.3f bits per weight; give", smallest)), message);
        String file = assertThrows(IllegalArgumentException.class, () -> plan("4KB:rtn", wholeFile(), List.of()))
                .getMessage();
        String least = file.replaceFirst(".* take, (\\S+) for the whole file.*", "$1");
        assertTrue(file.contains("a budget of 4KB:rtn") && !least.equals(file), file);
        long bytes = Budget.parse(least).bytes(model);
        assertEquals(smallest(), bytes, file);
    }

    private static final long REST = 1000;

    private static BlockFormat format(String word) {
        return Level.parse(word).format();
    }

    /** Both tables may be rounded, the embedding stays in 16 bits or goes to 8 at least. */
    private FileLayout wholeFile() {
        Map<Place, List<BlockFormat>> tables = new LinkedHashMap<>();
        tables.put(FileLayout.EMBEDDING, List.of(FloatFormat.FP16, format("q8_0")));
        tables.put(FileLayout.OUTPUT, List.of(FloatFormat.FP16, format("iq4_nl"), format("q5_0"), format("q8_0")));
        return new FileLayout(single(places()), tables, REST);
    }

    private long bytes(Place place, BlockFormat format) {
        Weight weight = model.weight(place.role(), place.layer()).orElseThrow();
        long bytes = weight.rows() * format.rowBytes(Math.toIntExact(weight.columns()));
        return (bytes + 31) / 32 * 32;
    }

    /** In the smallest format that fits, whose blocks of 64 only some maps have. */
    private long smallest(Place place) {
        long columns = model.weight(place.role(), place.layer()).orElseThrow().columns();
        return bytes(place, format(columns % 64 == 0 ? "q2_0" : "iq4_nl"));
    }

    private long smallest() {
        return REST
                + places().stream().mapToLong(this::smallest).sum()
                + bytes(FileLayout.EMBEDDING, format("q8_0"))
                + bytes(FileLayout.OUTPUT, format("iq4_nl"));
    }

    /** Half of what lies between the smallest and everything in 8 bits goes where it does most good. */
    @Test
    void tablesAreChosenWhereTheWholeFileIsLimited() throws IOException {
        long largest = REST
                + places().stream()
                        .mapToLong(place -> bytes(place, format("q8_0")))
                        .sum()
                + bytes(FileLayout.EMBEDDING, FloatFormat.FP16)
                + bytes(FileLayout.OUTPUT, FloatFormat.FP16);
        long half = (smallest() + largest) / 2;
        List<Long> limits = List.of(smallest(), half, largest);
        List<BudgetPlan> plans =
                plans(limits.stream().map(limit -> limit + "B:rtn").toList(), wholeFile(), List.of());
        double before = Double.POSITIVE_INFINITY;
        for (int i = 0; i < plans.size(); i++) {
            BudgetPlan plan = plans.get(i);
            long limit = limits.get(i);
            long bytes = REST
                    + plan.formats().entrySet().stream()
                            .mapToLong(entry -> bytes(entry.getKey(), entry.getValue()))
                            .sum();
            assertTrue(bytes <= limit && bytes >= 0.97 * limit, bytes + " of " + limit + ": " + plan.formats());
            assertTrue(plan.divergence() < before, plan.notes().toString());
            assertTrue(!(plan.uniform() < plan.divergence()), plan.notes().toString());
            assertTrue(wholeFile()
                    .tables()
                    .get(FileLayout.OUTPUT)
                    .contains(plan.formats().get(FileLayout.OUTPUT)));
            Recipe recipe = plan.recipe(model, "planned");
            assertEquals(plan.formats().get(FileLayout.EMBEDDING), recipe.embedding());
            assertEquals(plan.formats().get(FileLayout.OUTPUT), recipe.head());
            before = plan.divergence();
        }
    }

    /**
     * A file that stores all maps in one tensor leaves the planner one format to give. A mix that tells maps apart is better
     * within the same budget, so it is what the plan holds, and the note says so; one that is too large is not looked at.
     */
    @Test
    void mixesThatAreBetterAreTaken() throws IOException {
        Level level = Level.parse("iq4_nl:rtn");
        Recipe better = Recipe.of(
                model, "better", level, (role, layer) -> role == TensorRole.DOWN ? format("iq4_nl") : format("q5_0"));
        Recipe tooLarge = Recipe.of(
                model, "too-large", level, (role, layer) -> role == TensorRole.DOWN ? format("q5_0") : format("q8_0"));
        FileLayout oneTensor = new FileLayout(List.of(places()), Map.of(), 0);
        BudgetPlan alone = plan("5.4bpw:rtn", oneTensor, List.of());
        BudgetPlan plan = plan("5.4bpw:rtn", oneTensor, List.of(tooLarge, better));
        assertEquals(Set.of(format("iq4_nl")), new HashSet<>(alone.formats().values()));
        assertTrue(plan.fellBack() && !alone.fellBack());
        for (Place place : places()) {
            assertEquals(
                    better.maps().format(place.role(), place.layer()),
                    plan.formats().get(place),
                    place.toString());
        }
        assertEquals(alone.divergence(), plan.uniform());
        assertTrue(plan.divergence() < 0.8 * plan.uniform(), plan.notes().toString());
        String note = plan.notes().getFirst();
        assertTrue(note.endsWith("; not better, so it is the mix better."), note);
        assertFalse(note.contains("too-large"), note);
        assertEquals("q5_0+iq4_nl", plan.recipe(model, "5.4bpw:rtn").format());
    }

    @ParameterizedTest
    @CsvSource({
        "3bpw, 3.0bpw",
        "2.75BPW, 2.75bpw",
        "3.0bpw:gptq, 3.0bpw",
        "4bpw:rtn, 4.0bpw:rtn",
        "3.5, 3.5bpw",
        "2.6MB, 2.6MB",
        "4 GiB:search, 4.294967296GB:search",
        "2600kb, 2.6MB",
        "999b, 999B",
        "1.5KiB, 1.536KB"
    })
    void textHasOneCanonicalForm(String text, String canonical) {
        assertEquals(canonical, Budget.parse(text).toString());
        assertEquals(Budget.parse(text), Budget.parse(canonical));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "bpw",
                "0.5bpw",
                "17bpw",
                "3bpw:nonsense",
                "NaNbpw",
                "three",
                "3bpw:hadamard",
                "2.6M",
                "4G",
                "0MB",
                "-1MB",
                "3ib",
                "1e3MB",
                "2.6MB:hadamard",
                "99999999TB",
                "MB"
            })
    void nonsenseIsRefused(String text) {
        assertThrows(LevelException.class, () -> Budget.parse(text));
    }

    @Test
    void errorFeedbackUnlessSaidOtherwise() {
        assertEquals(Solvers.GPTQ, Budget.parse("3bpw").solver());
    }
}
