/// What can only be seen from inside the package of plans: guards that are taken out.
@NullMarked
package io.sparkllama4.sql;

import org.jspecify.annotations.NullMarked;
