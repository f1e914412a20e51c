/// Tests of how checks of devices are run. They may know what the package beside them knows.
@NullMarked
package io.sparkllama4.backend.check;

import org.jspecify.annotations.NullMarked;
