/* Constraints of what the model writes. Written by hand for grammar.rs. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct LlgTokenizer;
struct TesseraGrammars;
struct TesseraConstraint;

/* What grammars of one vocabulary share; any number of threads may use it. Keeps the tokenizer
   alive. Null: a slice of the tokenizer is not an expression. */
struct TesseraGrammars* tessera_grammars_new(const struct LlgTokenizer* tokenizer);
void tessera_grammars_free(struct TesseraGrammars* grammars);

/* A constraint at the beginning of a grammar in the engine's Lark dialect (UTF-8); never null, and
   in error where the grammar is wrong. engine_reads: by the engine's own reader, the slow and
   complete one. */
struct TesseraConstraint* tessera_constraint_new(const struct TesseraGrammars* grammars,
                                                 const char* text, size_t size, bool engine_reads);
void tessera_constraint_free(struct TesseraConstraint* constraint);
struct TesseraConstraint* tessera_constraint_clone(const struct TesseraConstraint* constraint);

/* Null: not in error. Valid until the next call for this constraint. */
const char* tessera_constraint_error(struct TesseraConstraint* constraint);

/* One bit a token; at the end of the grammar only eos. False: in error now. */
bool tessera_constraint_mask(struct TesseraConstraint* constraint, uint32_t* words, size_t n_words);
/* False: not allowed here, and in error now. */
bool tessera_constraint_accept(struct TesseraConstraint* constraint, uint32_t token);
/* How many of them would be accepted, one after the other. */
size_t tessera_constraint_count_accepted(struct TesseraConstraint* constraint,
                                         const uint32_t* tokens, size_t n_tokens);
bool tessera_constraint_is_accepting(struct TesseraConstraint* constraint);
bool tessera_constraint_is_finished(const struct TesseraConstraint* constraint);
/* Writes tokens that must come next, at most `room`, and says how many. */
size_t tessera_constraint_forced(struct TesseraConstraint* constraint, uint32_t* tokens,
                                 size_t room);

#ifdef __cplusplus
}
#endif
