//! Constraints of what the model writes: the grammar engine behind an own C interface, with a shorter way from the
//! text of a grammar to the engine's tables. What grammars of one vocabulary share is made once: the expressions of
//! its slices, and those that come again and again (any text, any number), read and kept as the engine's own nodes.
//! A grammar that grammar_text.rs does not read goes the engine's own way.
//! Rules are met in another order than there. That tells where one token may be of two sets of tokens, or of a set
//! and of a text, at the same place: the engine follows only what it met first. Our grammars have no such place.
use crate::grammar_text::{is_terminal, read, Alternative, Part, Rules};
use llguidance_engine::api::{GrammarInit, ParserLimits, SkipSpec, TopLevelGrammar};
use llguidance_engine::derivre::{ExprRef, RegexAst};
use llguidance_engine::earley::lexerspec::{token_ranges_to_string, LexemeClass, LexemeIdx, LexerSpec};
use llguidance_engine::earley::{Grammar, SymIdx, SymbolProps};
use llguidance_engine::ffi::LlgTokenizer;
use llguidance_engine::panic_utils::catch_unwind;
use llguidance_engine::toktrie::InferenceCapabilities;
use llguidance_engine::{Logger, Matcher, ParserFactory};
use std::collections::HashMap;
use std::ffi::{c_char, CString};
use std::panic::AssertUnwindSafe;
use std::sync::Mutex;

/// Expressions that are kept ready: so many, none longer than this, and nodes of all of them together (each grammar
/// gets a copy).
const MAX_KEPT: usize = 64;
const MAX_KEPT_BYTES: usize = 1000;
const MAX_KEPT_NODES: usize = 3000;
/// Groups and terminals inside of each other.
const MAX_DEPTH: usize = 120;

struct Kept {
    spec: LexerSpec,
    class: LexemeClass,
    expressions: HashMap<String, ExprRef>,
}

impl Kept {
    fn new(factory: &ParserFactory) -> anyhow::Result<Self> {
        let mut spec = LexerSpec::new()?;
        let class = spec.setup_lexeme_class_with_skip(SkipSpec::unbounded(RegexAst::Or(vec![])))?;
        for slice in factory.extra_lexemes() {
            spec.regex_builder.mk_regex(&slice)?;
        }
        Ok(Kept { spec, class, expressions: HashMap::new() })
    }
}

pub struct Grammars {
    tokenizer: LlgTokenizer,
    limits: ParserLimits,
    kept: Mutex<Kept>,
}

impl Grammars {
    fn new(tokenizer: &LlgTokenizer) -> anyhow::Result<Self> {
        Ok(Grammars {
            tokenizer: tokenizer.clone(),
            // Walking the vocabulary ahead for long lexemes (our slices among them) costs each compile 4 ms and
            // saves no mask more than it costs.
            limits: ParserLimits { precompute_large_lexemes: false, verbose_errors: false, ..Default::default() },
            kept: Mutex::new(Kept::new(tokenizer.factory())?),
        })
    }

    /// A copy of what is kept, after reading the expressions that `rules` need and are worth keeping, and the cost
    /// that the copy may come to.
    fn begin(&self, rules: &Rules) -> (LexerSpec, LexemeClass, HashMap<String, ExprRef>, u64) {
        let mut kept = self.kept.lock().unwrap_or_else(|e| e.into_inner());
        let mut used = HashMap::new();
        // Others wait meanwhile: reading is paid for here, too.
        let most_cost = kept.spec.cost() + self.limits.initial_lexer_fuel;
        for alternatives in rules.values() {
            keep_expressions(alternatives, &mut kept, &mut used, most_cost);
        }
        (kept.spec.clone(), kept.class, used, most_cost)
    }

    fn compile(&self, text: &str) -> Option<Matcher> {
        let rules = read(text)?;
        let (spec, class, expressions, most_cost) = self.begin(&rules);
        let trie = self.tokenizer.factory().tok_env().tok_trie();
        let mut builder = Builder {
            rules: &rules,
            limits: &self.limits,
            most_cost,
            vocab_size: trie.vocab_size(),
            grammar: Grammar::new(None),
            spec,
            class,
            expressions,
            terminals: HashMap::new(),
            symbols: HashMap::new(),
            lexemes: HashMap::new(),
            open: vec![],
        };
        builder.all()?;
        let Builder { grammar, spec, .. } = builder;
        self.matcher(GrammarInit::Internal(grammar, spec)).ok()
    }

    fn matcher(&self, init: GrammarInit) -> anyhow::Result<Matcher> {
        let parser = self.tokenizer.factory().create_parser_from_init_ext(
            init,
            Logger::new(0, 0),
            InferenceCapabilities::default(),
            self.limits.clone(),
        )?;
        Ok(Matcher::new(Ok(parser)))
    }
}

fn keep_expressions(
    alternatives: &[Alternative],
    kept: &mut Kept,
    used: &mut HashMap<String, ExprRef>,
    most_cost: u64,
) {
    for part in alternatives.iter().flatten().flatten() {
        let mut part = part;
        while let Part::Not(inner) | Part::Repeat(inner, _, _) = part {
            part = inner;
        }
        match part {
            Part::Group(inner) => keep_expressions(inner, kept, used, most_cost),
            Part::Regex(text) if !used.contains_key(*text) => {
                let known = kept.expressions.get(*text).copied().or_else(|| {
                    if text.len() > MAX_KEPT_BYTES
                        || kept.expressions.len() >= MAX_KEPT
                        || kept.spec.regex_builder.exprset().len() >= MAX_KEPT_NODES
                        || kept.spec.cost() >= most_cost
                    {
                        return None;
                    }
                    let made = kept.spec.regex_builder.mk_regex(text).ok()?;
                    kept.expressions.insert(text.to_string(), made);
                    Some(made)
                });
                if let Some(expression) = known {
                    used.insert(text.to_string(), expression);
                }
            }
            _ => {}
        }
    }
}

/// Rules become symbols of the engine's grammar, what stands in them for text or tokens its lexemes.
struct Builder<'a> {
    rules: &'a Rules<'a>,
    limits: &'a ParserLimits,
    most_cost: u64,
    vocab_size: usize,
    grammar: Grammar,
    spec: LexerSpec,
    class: LexemeClass,
    expressions: HashMap<String, ExprRef>,
    terminals: HashMap<&'a str, ExprRef>,
    symbols: HashMap<&'a str, SymIdx>,
    lexemes: HashMap<LexemeIdx, SymIdx>,
    /// Rules that are named and not written yet.
    open: Vec<(&'a str, SymIdx)>,
}

impl<'a> Builder<'a> {
    fn all(&mut self) -> Option<()> {
        let first = self.symbol("start");
        self.grammar.sym_props_mut(first).is_start = true;
        let start = self.rule("start")?;
        self.grammar.add_rule(first, vec![start]).ok()?;
        while let Some((name, symbol)) = self.open.pop() {
            let alternatives = self.rules.get(name)?;
            self.fill(symbol, alternatives)?;
        }
        Some(())
    }

    fn symbol(&mut self, name: &str) -> SymIdx {
        self.grammar.fresh_symbol_ext(name, SymbolProps { grammar_id: self.class, ..Default::default() })
    }

    fn made(&mut self, bodies: Vec<Vec<SymIdx>>) -> Option<SymIdx> {
        if self.grammar.num_symbols() >= self.limits.max_grammar_size {
            return None;
        }
        let out = self.symbol("");
        for body in bodies {
            self.grammar.add_rule(out, body).ok()?;
        }
        Some(out)
    }

    fn rule(&mut self, name: &'a str) -> Option<SymIdx> {
        if let Some(symbol) = self.symbols.get(name) {
            return Some(*symbol);
        }
        self.rules.get(name)?;
        let symbol = self.symbol(name);
        self.symbols.insert(name, symbol);
        self.open.push((name, symbol));
        Some(symbol)
    }

    fn fill(&mut self, symbol: SymIdx, alternatives: &'a [Alternative<'a>]) -> Option<()> {
        for alternative in alternatives {
            let [parts] = alternative.as_slice() else { return None };
            let body = self.sequence(parts)?;
            self.grammar.add_rule(symbol, body).ok()?;
        }
        Some(())
    }

    fn sequence(&mut self, parts: &'a [Part<'a>]) -> Option<Vec<SymIdx>> {
        let mut out = vec![];
        for part in parts {
            match part {
                Part::Group(alternatives) if alternatives.len() == 1 => {
                    let [inner] = alternatives[0].as_slice() else { return None };
                    out.extend(self.sequence(inner)?);
                }
                Part::Text(text) if text.is_empty() => {}
                _ => out.push(self.element(part)?),
            }
        }
        Some(out)
    }

    fn element(&mut self, part: &'a Part<'a>) -> Option<SymIdx> {
        match part {
            Part::Name(name) if !is_terminal(name) => self.rule(name),
            Part::Tokens(ranges) => {
                if ranges.iter().any(|r| *r.end() as usize >= self.vocab_size) {
                    return None;
                }
                let lexeme = self.spec.add_special_token(token_ranges_to_string(ranges), ranges.clone()).ok()?;
                self.lexeme(lexeme)
            }
            Part::Group(alternatives) => {
                let symbol = self.made(vec![])?;
                self.fill(symbol, alternatives)?;
                Some(symbol)
            }
            Part::Repeat(inner, least, most) => {
                let once = self.sequence(std::slice::from_ref(inner))?;
                let once = if once.len() == 1 { once[0] } else { self.made(vec![once])? };
                self.repeat(once, *least as usize, most.map(|n| n as usize))
            }
            Part::Text(_) | Part::Regex(_) | Part::Name(_) | Part::Not(_) => {
                let expression = self.expression(part, 0)?;
                let lexeme = self
                    .spec
                    .add_greedy_lexeme(String::new(), RegexAst::ExprRef(expression), false, None, usize::MAX)
                    .ok()?;
                self.lexeme(lexeme)
            }
        }
    }

    fn lexeme(&mut self, lexeme: LexemeIdx) -> Option<SymIdx> {
        if let Some(symbol) = self.lexemes.get(&lexeme) {
            return Some(*symbol);
        }
        let symbol = self.made(vec![])?;
        self.grammar.make_terminal(symbol, lexeme, &self.spec).ok()?;
        self.lexemes.insert(lexeme, symbol);
        Some(symbol)
    }

    fn repeat(&mut self, once: SymIdx, least: usize, most: Option<usize>) -> Option<SymIdx> {
        let Some(most) = most else {
            let out = self.made(vec![if least == 1 { vec![once] } else { vec![] }])?;
            self.grammar.add_rule(out, vec![out, once]).ok()?;
            if least < 2 {
                return Some(out);
            }
            let begin = self.exactly(once, least)?;
            return self.made(vec![vec![begin, out]]);
        };
        let begin = self.exactly(once, least)?;
        let end = self.at_most(once, most - least)?;
        self.made(vec![vec![begin, end]])
    }

    /// Fours of fours, so that few rules count far.
    fn exactly(&mut self, once: SymIdx, n: usize) -> Option<SymIdx> {
        if n <= 8 {
            return self.made(vec![vec![once; n]]);
        }
        let four = self.made(vec![vec![once; 4]])?;
        let mut body = vec![once; n % 4];
        body.push(self.exactly(four, n / 4)?);
        self.made(vec![body])
    }

    fn at_most(&mut self, once: SymIdx, n: usize) -> Option<SymIdx> {
        if n < 12 {
            return self.made((0..=n).map(|k| vec![once; k]).collect());
        }
        let four = self.made(vec![vec![once; 4]])?;
        let (all, rest) = (self.exactly(four, n / 4)?, self.at_most(once, n % 4)?);
        let (fewer, any) = (self.at_most(four, n / 4 - 1)?, self.at_most(once, 3)?);
        self.made(vec![vec![all, rest], vec![fewer, any]])
    }

    fn expressions(&mut self, alternatives: &'a [Alternative<'a>], depth: usize) -> Option<ExprRef> {
        let mut choices = vec![];
        for alternative in alternatives {
            let mut all = vec![];
            for sequence in alternative {
                let mut parts = vec![];
                for part in sequence {
                    parts.push(self.expression(part, depth)?);
                }
                all.push(self.make(parts, RegexAst::Concat)?);
            }
            choices.push(self.make(all, RegexAst::And)?);
        }
        self.make(choices, RegexAst::Or)
    }

    fn make(&mut self, parts: Vec<ExprRef>, of: fn(Vec<RegexAst>) -> RegexAst) -> Option<ExprRef> {
        if let [only] = parts.as_slice() {
            return Some(*only);
        }
        self.mk(of(parts.into_iter().map(RegexAst::ExprRef).collect()))
    }

    fn mk(&mut self, ast: RegexAst) -> Option<ExprRef> {
        let out = self.spec.regex_builder.mk(&ast).ok()?;
        (self.spec.cost() <= self.most_cost).then_some(out)
    }

    fn expression(&mut self, part: &'a Part<'a>, depth: usize) -> Option<ExprRef> {
        // A terminal that names itself ends here too.
        if depth >= MAX_DEPTH {
            return None;
        }
        match part {
            Part::Text(text) => self.mk(RegexAst::Literal(text.clone())),
            Part::Regex(text) => match self.expressions.get(*text) {
                Some(expression) => Some(*expression),
                None => {
                    let made = self.mk(RegexAst::Regex(text.to_string()))?;
                    self.expressions.insert(text.to_string(), made);
                    Some(made)
                }
            },
            Part::Name(name) => {
                if let Some(expression) = self.terminals.get(name) {
                    return Some(*expression);
                }
                if !is_terminal(name) {
                    return None;
                }
                let rules = self.rules;
                let made = self.expressions(rules.get(name)?, depth + 1)?;
                self.terminals.insert(name, made);
                Some(made)
            }
            Part::Tokens(_) => None,
            Part::Group(alternatives) => self.expressions(alternatives, depth + 1),
            Part::Not(inner) => {
                let inner = self.expression(inner, depth)?;
                self.mk(RegexAst::Not(Box::new(RegexAst::ExprRef(inner))))
            }
            Part::Repeat(inner, least, most) => {
                let inner = self.expression(inner, depth)?;
                self.mk(RegexAst::Repeat(Box::new(RegexAst::ExprRef(inner)), *least, most.unwrap_or(u32::MAX)))
            }
        }
    }
}

pub struct Constraint {
    matcher: Matcher,
    error: CString,
}

/// The tokenizer, which is kept. Null: a slice is wrong.
/// # Safety
/// `tokenizer` is one that the engine made.
#[no_mangle]
pub unsafe extern "C" fn tessera_grammars_new(tokenizer: &LlgTokenizer) -> *mut Grammars {
    match catch_unwind(AssertUnwindSafe(|| Grammars::new(tokenizer))) {
        Ok(grammars) => Box::into_raw(Box::new(grammars)),
        Err(_) => std::ptr::null_mut(),
    }
}

/// # Safety
/// `grammars` came from tessera_grammars_new, or is null.
#[no_mangle]
pub unsafe extern "C" fn tessera_grammars_free(grammars: *mut Grammars) {
    if !grammars.is_null() {
        drop(unsafe { Box::from_raw(grammars) });
    }
}

/// # Safety
/// `text` has `size` bytes.
#[no_mangle]
pub unsafe extern "C" fn tessera_constraint_new(
    grammars: &Grammars,
    text: *const u8,
    size: usize,
    engine_reads: bool,
) -> *mut Constraint {
    let bytes: &[u8] = if size == 0 { &[] } else { unsafe { std::slice::from_raw_parts(text, size) } };
    let made = catch_unwind(AssertUnwindSafe(|| {
        let text = std::str::from_utf8(bytes)?;
        if !engine_reads {
            // A fault on the short way is the engine's to tell.
            if let Ok(Some(matcher)) = catch_unwind(AssertUnwindSafe(|| Ok(grammars.compile(text)))) {
                return Ok(matcher);
            }
        }
        grammars.matcher(GrammarInit::Serialized(TopLevelGrammar::from_lark(text.to_string())))
    }));
    let matcher = made.unwrap_or_else(|e| Matcher::new(Err(e)));
    Box::into_raw(Box::new(Constraint { matcher, error: CString::default() }))
}

/// # Safety
/// `constraint` came from here, or is null.
#[no_mangle]
pub unsafe extern "C" fn tessera_constraint_free(constraint: *mut Constraint) {
    if !constraint.is_null() {
        drop(unsafe { Box::from_raw(constraint) });
    }
}

#[no_mangle]
pub extern "C" fn tessera_constraint_clone(constraint: &Constraint) -> *mut Constraint {
    Box::into_raw(Box::new(Constraint { matcher: constraint.matcher.deep_clone(), error: CString::default() }))
}

#[no_mangle]
pub extern "C" fn tessera_constraint_error(constraint: &mut Constraint) -> *const c_char {
    let Some(mut text) = constraint.matcher.get_error() else { return std::ptr::null() };
    text.retain(|c| c != '\0');
    constraint.error = CString::new(text).unwrap_or_default();
    constraint.error.as_ptr()
}

/// # Safety
/// `words` has room for `n_words`.
#[no_mangle]
pub unsafe extern "C" fn tessera_constraint_mask(constraint: &mut Constraint, words: *mut u32, n_words: usize) -> bool {
    match constraint.matcher.compute_mask_or_eos() {
        Ok(mask) if mask.as_slice().len() >= n_words => {
            unsafe { std::ptr::copy_nonoverlapping(mask.as_slice().as_ptr(), words, n_words) };
            true
        }
        _ => false,
    }
}

#[no_mangle]
pub extern "C" fn tessera_constraint_accept(constraint: &mut Constraint, token: u32) -> bool {
    constraint.matcher.consume_token(token).is_ok()
}

/// # Safety
/// `tokens` has `n_tokens`.
#[no_mangle]
pub unsafe extern "C" fn tessera_constraint_count_accepted(
    constraint: &mut Constraint,
    tokens: *const u32,
    n_tokens: usize,
) -> usize {
    let tokens: &[u32] = if n_tokens == 0 { &[] } else { unsafe { std::slice::from_raw_parts(tokens, n_tokens) } };
    constraint.matcher.validate_tokens(tokens).unwrap_or(0)
}

#[no_mangle]
pub extern "C" fn tessera_constraint_is_accepting(constraint: &mut Constraint) -> bool {
    constraint.matcher.is_accepting().unwrap_or(false)
}

#[no_mangle]
pub extern "C" fn tessera_constraint_is_finished(constraint: &Constraint) -> bool {
    constraint.matcher.is_stopped()
}

/// # Safety
/// `tokens` has room for `room`.
#[no_mangle]
pub unsafe extern "C" fn tessera_constraint_forced(constraint: &mut Constraint, tokens: *mut u32, room: usize) -> usize {
    let forced = constraint.matcher.compute_ff_tokens();
    let n = forced.len().min(room);
    unsafe { std::ptr::copy_nonoverlapping(forced.as_ptr(), tokens, n) };
    n
}
