/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a policy's text to its image. Each stage may assume what the one before
 * it promised, and reports every mistake that it can see:
 *
 *   load      the files are well-formed YAML of the right shape -> model
 *   resolve   every code and name refers to something declared
 *   check     the rules that span declarations hold
 *   build     model -> image; cannot fail but for memory and limits
 *   compare   the slow twin agrees with every cell of the table
 *
 * Here alone model and table meet.
 */
#ifndef NR_COMPILE_H
#define NR_COMPILE_H

#include "model/model.h"
#include "text/diag.h"

/* load.c: reads the folder and what it extends. Mistakes go to diags; NRBAC_OK
 * also then. NRBAC_E_MEMORY alone is returned. */
nrbac_status nr_load(nr_model *model, const char *folder, const char *policy_root,
                     nr_diags *diags);
/* resolve.c */
nrbac_status nr_resolve(nr_model *model, nr_diags *diags);
/* check.c: errors and lints. */
nrbac_status nr_check(nr_model *model, nr_diags *diags);

/* build.c: the image, as one block of *size bytes from malloc; sealed already,
 * with compared_cells 0. Precondition: no errors in the model. */
nrbac_status nr_build_image(const nr_model *model, void **image, size_t *size,
                            nrbac_error *error);
/* build.c: writes the number of compared cells, then digest and checksum. */
void nr_seal_image(void *image, size_t size, uint64_t compared_cells);

#endif
