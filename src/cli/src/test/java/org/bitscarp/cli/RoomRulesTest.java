package org.bitscarp.cli;

import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAPackage;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.Architectures.layeredArchitecture;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.tngtech.archunit.base.DescribedPredicate;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** The rooms of docs/architecture.md: data flows one way, and each capability has one owner. */
class RoomRulesTest {
    private static JavaClasses classes;

    @BeforeAll
    static void read() {
        classes = new ClassFileImporter()
                .withImportOption(ImportOption.Predefined.DO_NOT_INCLUDE_TESTS)
                // Rooms publish test code to others as an archive once the build packages it.
                .withImportOption(location -> !location.contains("-tests.jar"))
                .importPackages("org.bitscarp");
        for (String room :
                new String[] {"quant", "compute", "kernels", "cuda", "model", "hub", "datasets", "eval", "cli"}) {
            assertTrue(
                    classes.stream().anyMatch(c -> c.getPackageName().startsWith("org.bitscarp." + room)),
                    "no classes of room " + room + " were read, so the rules would prove nothing");
        }
    }

    @Test
    void aRoomOnlyKnowsTheRoomsBeforeIt() {
        layeredArchitecture()
                .consideringOnlyDependenciesInLayers()
                .layer("quant")
                .definedBy("org.bitscarp.quant..")
                .layer("compute")
                .definedBy("org.bitscarp.compute..")
                .layer("kernels")
                .definedBy("org.bitscarp.kernels..")
                .layer("cuda")
                .definedBy("org.bitscarp.cuda..")
                .layer("model")
                .definedBy("org.bitscarp.model..")
                .layer("hub")
                .definedBy("org.bitscarp.hub..")
                .layer("datasets")
                .definedBy("org.bitscarp.datasets..")
                .layer("eval")
                .definedBy("org.bitscarp.eval..")
                .layer("cli")
                .definedBy("org.bitscarp.cli..")
                .whereLayer("cli")
                .mayNotBeAccessedByAnyLayer()
                .whereLayer("eval")
                .mayOnlyBeAccessedByLayers("cli")
                .whereLayer("datasets")
                .mayOnlyBeAccessedByLayers("eval", "cli")
                .whereLayer("hub")
                .mayOnlyBeAccessedByLayers("cli")
                .whereLayer("model")
                .mayOnlyBeAccessedByLayers("datasets", "eval", "cli")
                .whereLayer("cuda")
                .mayOnlyBeAccessedByLayers("eval", "cli")
                .whereLayer("kernels")
                .mayOnlyBeAccessedByLayers("cuda")
                .whereLayer("compute")
                .mayOnlyBeAccessedByLayers("cuda", "model", "eval", "cli")
                .check(classes);
    }

    @Test
    void quantHasNoFilesThreadsOrDevices() {
        noClasses()
                .that()
                .resideInAPackage("org.bitscarp.quant..")
                .should()
                .dependOnClassesThat(resideInAPackage("java.nio.file..")
                        .or(resideInAPackage("java.util.concurrent"))
                        .or(resideInAPackage("java.net.."))
                        .or(resideInAPackage("org.bytedeco..")))
                .check(classes);
    }

    @Test
    void nativeArithmeticStaysInCompute() {
        noClasses()
                .that()
                .resideOutsideOfPackage("org.bitscarp.compute.internal..")
                .should()
                .dependOnClassesThat(resideInAPackage("org.bytedeco..").or(resideInAPackage("org.nd4j..")))
                .check(classes);
    }

    @Test
    void theGpuBindingStaysInTheCudaRoom() {
        noClasses()
                .that()
                .resideOutsideOfPackage("org.bitscarp.cuda..")
                .should()
                .dependOnClassesThat(resideInAPackage("jcuda.."))
                .check(classes);
    }

    @Test
    void theTokenizerLibraryStaysInTheModelRoom() {
        noClasses()
                .that()
                .resideOutsideOfPackage("org.bitscarp.model.internal..")
                .should()
                .dependOnClassesThat(resideInAPackage("ai.djl.."))
                .check(classes);
    }

    @Test
    void theHubKnowsNothingOfModelsAndAloneUsesTheNetwork() {
        noClasses()
                .that()
                .resideInAPackage("org.bitscarp.hub..")
                .should()
                .dependOnClassesThat(resideInAPackage("org.bitscarp..")
                        .and(DescribedPredicate.not(resideInAPackage("org.bitscarp.hub.."))))
                .check(classes);
        noClasses()
                .that()
                .resideOutsideOfPackage("org.bitscarp.hub..")
                .should()
                .dependOnClassesThat(resideInAPackage("java.net.."))
                .check(classes);
    }

    @Test
    void onlyTheCommandPrintsAndExits() {
        noClasses()
                .that()
                .resideOutsideOfPackage("org.bitscarp.cli..")
                .should()
                .accessField(System.class, "out")
                .orShould()
                .accessField(System.class, "err")
                .orShould()
                .callMethod(System.class, "exit", int.class)
                .orShould()
                .callMethod(Throwable.class, "printStackTrace")
                .check(classes);
    }

    @Test
    void internalsOfARoomStayInIt() {
        for (String room : new String[] {"compute", "model", "datasets"}) {
            noClasses()
                    .that()
                    .resideOutsideOfPackage("org.bitscarp." + room + "..")
                    .should()
                    .dependOnClassesThat(resideInAPackage("org.bitscarp." + room + ".internal.."))
                    .check(classes);
        }
    }
}
