/** Multiple-choice tasks: files of questions in the layouts in which they are published. */
package org.bitscarp.datasets.tasks;
