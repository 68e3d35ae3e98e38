/** PTX as text: statements, operands, declarations. Knows no instruction's meaning. (PTX ISA 8.0.) */
package org.bitscarp.cuda.emulated.ptx;
