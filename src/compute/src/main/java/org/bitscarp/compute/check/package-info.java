/** What every backend has to do, in a form that runs on a user's machine: operations beside their scalar specification. */
package org.bitscarp.compute.check;
