/* Who answers: which build, and whether it has restarted since the host gave it a token.
 *
 * The build id is the linker's sum over the image.  The token lies in memory that a reset clears
 * and has a symbol (`hil_token`), so that the host can read through the debug probe what it sent
 * over the port: only then do the two lead to the same board. */
#ifndef TINYHIL_IDENTITY_H
#define TINYHIL_IDENTITY_H

#define IDENTITY_BUILD_BYTES 20u /* SHA-1, as `ld --build-id` makes it. */
#define IDENTITY_TOKEN_BYTES 8u  /* All zero: none was given since the last reset. */

/* Prints the line with the build id. */
void hil_identity_print_build(void);

#endif
