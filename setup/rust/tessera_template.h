/* Chat templates: Jinja as checkpoints use it. Written by hand for template.rs, where each rule is explained. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct TesseraTemplateLimits {
  uint64_t fuel;         /* about one a step, and one for 64 bytes made: bounds time and memory */
  uint64_t output_bytes; /* of the rendered text */
  uint32_t recursion;    /* of blocks and macros, at most 500 */
};

struct TesseraTemplateText {
  char* bytes; /* not terminated; given back with tessera_template_free */
  size_t size;
};

/* Renders `source` (UTF-8) over `context`, one JSON object. 0: `out` is the rendered text; else `out` is what is wrong:
   1 the template is wrong or refused the conversation, 2 a limit, 3 the context is not JSON, 4 a fault of the library.
   Any thread; touches no file, no network and, but for strftime_now, no clock. */
int32_t tessera_template_render(const char* source, size_t source_size, const char* context, size_t context_size,
                                const struct TesseraTemplateLimits* limits, struct TesseraTemplateText* out);

void tessera_template_free(struct TesseraTemplateText text);

#ifdef __cplusplus
}
#endif
