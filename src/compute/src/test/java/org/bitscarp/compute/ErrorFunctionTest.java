package org.bitscarp.compute;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

/** The specification of GELU rests on this function; the figures are those of {@code math.erfc} of Python 3.11.7. */
class ErrorFunctionTest {
    private static final double[][] PYTHON = {
        {0.0, 1.0},
        {1e-08, 0.9999999887162083},
        {0.001, 0.9988716212090307},
        {0.1, 0.8875370839817152},
        {0.5, 0.4795001221869535},
        {0.9999, 0.15734072195124052},
        {1.0, 0.15729920705028513},
        {1.5, 0.033894853524689274},
        {1.9999, 0.004679802092970608},
        {2.0, 0.004677734981047265},
        {2.0001, 0.0046756686958033394},
        {2.5, 0.0004069520174449589},
        {3.0, 2.2090496998585438e-05},
        {4.0, 1.541725790028002e-08},
        {5.0, 1.5374597944280351e-12},
        {8.0, 1.1224297172982928e-29},
        {10.0, 2.088487583762545e-45},
        {15.0, 7.212994172451206e-100},
        {20.0, 5.3958656116079005e-176},
        {25.0, 8.300172571196522e-274},
        {26.5, 2.2109076642637343e-307},
        {-0.5, 1.5204998778130465},
        {-1.0, 1.842700792949715},
        {-2.0, 1.9953222650189528},
        {-3.0, 1.9999779095030015},
        {-6.0, 2.0},
    };

    @Test
    void agreesWithPython() {
        for (double[] row : PYTHON) {
            // exp(−x²) carries the rounding of x² into its result: x² times 2⁻⁵³.
            double tolerance = (1e-13 + row[0] * row[0] * 4e-16) * row[1];
            assertEquals(row[1], ErrorFunction.complement(row[0]), tolerance, "erfc(" + row[0] + ")");
        }
    }

    @Test
    void edges() {
        assertEquals(0, ErrorFunction.complement(Double.POSITIVE_INFINITY));
        assertEquals(2, ErrorFunction.complement(Double.NEGATIVE_INFINITY));
        assertTrue(Double.isNaN(ErrorFunction.complement(Double.NaN)));
    }

    /** {@code torch.nn.functional.gelu} of torch.float64, both forms. */
    @Test
    void geluAgreesWithPyTorch() {
        double[][] torch = {
            {-9.0, -0.0, -0.0},
            {-5.0, -1.4332578593401202e-06, -2.2917961972623857e-07},
            {-3.0, -0.00404969409489031, -0.0036373920817729943},
            {-1.5, -0.10021080190328704, -0.10042842301976707},
            {-0.7, -0.1693745565561511, -0.16942986529488321},
            {-0.001, -0.000499601057786089, -0.000499601057786418},
            {0.0, 0.0, 0.0},
            {0.001, 0.000500398942213911, 0.000500398942213582},
            {0.3, 0.1853734266566858, 0.18537092354275922},
            {1.0, 0.841344746068543, 0.8411919906082768},
            {2.0, 1.9544997361036416, 1.954597694087775},
            {4.5, 4.4999847104709385, 4.499994863262588},
            {9.0, 9.0, 9.0},
        };
        for (double[] row : torch) {
            assertEquals(row[1], Activation.GELU.apply(row[0]), 1e-15 + 1e-13 * Math.abs(row[1]), "gelu " + row[0]);
            assertEquals(
                    row[2], Activation.GELU_TANH.apply(row[0]), 1e-15 + 1e-13 * Math.abs(row[2]), "tanh " + row[0]);
        }
    }
}
