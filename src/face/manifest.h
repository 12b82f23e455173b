/* The manifest of one model, of any task. */
#ifndef SB_FACE_MANIFEST_H
#define SB_FACE_MANIFEST_H

#include "face/manifest_json.h"
#include "face/models.h"

typedef enum sb_manifest_task {
  SB_TASK_DETECT,
  SB_TASK_VERIFY_FACE,
  SB_TASK_LANDMARKS,
  SB_TASK_EMBED,
  SB_TASK_ATTRIBUTES
} sb_manifest_task;
extern const char *const sb_manifest_task_names[]; /* NULL-terminated, indexed by sb_manifest_task */

enum { SB_LICENCE_SIZE = 128, SB_ORIGIN_SIZE = 1024, SB_SOURCE_SIZE = 256 };

typedef struct sb_manifest {
  sb_manifest_task task;
  char file[128];
  char licence[SB_LICENCE_SIZE], origin[SB_ORIGIN_SIZE];
  char source[SB_SOURCE_SIZE]; /* "npm NAME VERSION", a URL, or "" */
  union {                      /* each begins with its sb_model_spec */
    sb_model_spec model;
    sb_detector_spec detector;
    sb_verifier_spec verifier;
    sb_landmarks_spec landmarks;
    sb_embedder_spec embedder;
    sb_attribute_spec attributes;
  } spec;
} sb_manifest;

/* Reads <name>.json from the first of the folders that has it. The model file is searched in the same folders;
 * spec.model.path stays NULL when it is missing. SB_NOT_FOUND, SB_MODEL. */
sb_status sb_manifest_read(const char *folders, const char *name, sb_manifest *out, sb_error *error);
void sb_manifest_free(sb_manifest *manifest);
/* 1 to 63 of a-z, 0-9, '.', '_', '-', not beginning with '.' or '-'. */
bool sb_manifest_name_valid(const char *name);

/* The parsers of the tasks: what a manifest has besides the common keys. `keys`: the task's own keys,
 * NULL-terminated. */
extern const char *const sb_detector_keys[], *const sb_embedder_keys[], *const sb_attribute_keys[];
void sb_detector_spec_parse(sb_manifest_json *r, sb_detector_spec *spec);   /* manifest_detect.c */
void sb_embedder_spec_parse(sb_manifest_json *r, sb_embedder_spec *spec);   /* manifest_embed.c */
void sb_attribute_spec_parse(sb_manifest_json *r, sb_attribute_spec *spec); /* manifest_attributes.c */
void sb_alignment_parse(sb_manifest_json *r, sb_alignment *out);            /* manifest_embed.c */

#endif
