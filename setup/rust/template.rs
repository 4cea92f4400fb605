//! Renders a checkpoint's chat template: Jinja2 with the settings and the functions that Hugging Face's
//! `apply_chat_template` gives it (trim_blocks, lstrip_blocks, Python's methods of strings, lists and dicts,
//! loop controls, `raise_exception`, `strftime_now`, `tojson` that escapes nothing for HTML).
//!
//! Templates come with weights and are not trusted. Fuel bounds their time and memory. What fuel does not bound
//! is the depth of values a template builds (`[[[...]]]`), which are walked and dropped by recursion: so each
//! rendering runs on a thread of its own with a stack that no depth payable by the fuel fills.
use minijinja::value::{Kwargs, Value};
use minijinja::{Environment, Error, ErrorKind, State};
use serde::Serialize;
use std::io::{self, Write};
use std::panic::{catch_unwind, AssertUnwindSafe};

const WRONG: i32 = 1;
const LIMIT: i32 = 2;
const CONTEXT: i32 = 3;
const FAULT: i32 = 4;

/// The most fuel that the stack below answers for.
const MAX_FUEL: u64 = 4_000_000;
/// Per fuel; address space only, a page becomes memory when it is touched.
const STACK_BYTES_PER_FUEL: usize = 256;
const STACK_BASE_BYTES: usize = 16 << 20;
const MAX_MESSAGE_BYTES: usize = 500;
const MAX_JSON_BYTES: usize = 16 << 20;

#[repr(C)]
pub struct Limits {
    fuel: u64,
    output_bytes: u64,
    recursion: u32,
}

#[repr(C)]
pub struct Text {
    bytes: *mut u8,
    size: usize,
}

/// Output that ends at a limit.
struct Bounded {
    bytes: Vec<u8>,
    limit: usize,
    full: bool,
}

impl Write for Bounded {
    fn write(&mut self, part: &[u8]) -> io::Result<usize> {
        if part.len() > self.limit - self.bytes.len() {
            self.full = true;
            return Err(io::Error::other("output limit"));
        }
        self.bytes.extend_from_slice(part);
        Ok(part.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Python's json.dumps: a space after separators, or lines.
struct Python;

impl serde_json::ser::Formatter for Python {
    fn begin_array_value<W: ?Sized + Write>(&mut self, w: &mut W, first: bool) -> io::Result<()> {
        if first { Ok(()) } else { w.write_all(b", ") }
    }
    fn begin_object_key<W: ?Sized + Write>(&mut self, w: &mut W, first: bool) -> io::Result<()> {
        if first { Ok(()) } else { w.write_all(b", ") }
    }
    fn begin_object_value<W: ?Sized + Write>(&mut self, w: &mut W) -> io::Result<()> {
        w.write_all(b": ")
    }
}

fn wrong(what: impl ToString) -> Error {
    Error::new(ErrorKind::InvalidOperation, what.to_string())
}

fn tojson(state: &State, value: &Value, options: Kwargs) -> Result<Value, Error> {
    let indent: Option<usize> = options.get("indent")?;
    let separators: Option<Vec<String>> = options.get("separators")?;
    let _: Option<bool> = options.get("ensure_ascii")?;
    let _: Option<bool> = options.get("sort_keys")?;
    options.assert_all_used()?;
    // Indented, a deep value is long beyond what the fuel for building it says.
    let mut out = Bounded { bytes: Vec::new(), limit: MAX_JSON_BYTES, full: false };
    match (indent, separators) {
        (Some(n), _) => {
            let blanks = " ".repeat(n.min(16));
            let format = serde_json::ser::PrettyFormatter::with_indent(blanks.as_bytes());
            let mut to = serde_json::Serializer::with_formatter(&mut out, format);
            value.serialize(&mut to).map_err(wrong)?;
        }
        (None, Some(pair)) if pair == [",", ":"] => serde_json::to_writer(&mut out, value).map_err(wrong)?,
        (None, _) => {
            let mut to = serde_json::Serializer::with_formatter(&mut out, Python);
            value.serialize(&mut to).map_err(wrong)?;
        }
    }
    state.consume_fuel(out.bytes.len() as u64 / 4)?;
    Ok(Value::from(String::from_utf8(out.bytes).map_err(wrong)?))
}

/// Today, as Python's strftime writes it in the C locale; UTC. Letters that no template is known to use are refused.
fn strftime_now(format: &str) -> Result<String, Error> {
    const MONTHS: [&str; 12] = [
        "January", "February", "March", "April", "May", "June", "July", "August", "September", "October",
        "November", "December",
    ];
    const DAYS: [&str; 7] = ["Thursday", "Friday", "Saturday", "Sunday", "Monday", "Tuesday", "Wednesday"];
    let seconds = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .map_or(0, |since| since.as_secs());
    let days = seconds / 86_400;
    let leap = |year: u64| year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let (mut year, mut rest) = (1970, days);
    while rest >= if leap(year) { 366 } else { 365 } {
        rest -= if leap(year) { 366 } else { 365 };
        year += 1;
    }
    let day_of_year = rest + 1;
    let mut month = 0;
    loop {
        let length = [31, if leap(year) { 29 } else { 28 }, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31][month];
        if rest < length {
            break;
        }
        rest -= length;
        month += 1;
    }
    let weekday = DAYS[(days % 7) as usize];
    let mut out = String::new();
    let mut letters = format.chars();
    while let Some(c) = letters.next() {
        if c != '%' {
            out.push(c);
            continue;
        }
        match letters.next() {
            Some('Y') => out += &year.to_string(),
            Some('y') => out += &format!("{:02}", year % 100),
            Some('m') => out += &format!("{:02}", month + 1),
            Some('d') => out += &format!("{:02}", rest + 1),
            Some('j') => out += &format!("{day_of_year:03}"),
            Some('B') => out += MONTHS[month],
            Some('b') => out += &MONTHS[month][..3],
            Some('A') => out += weekday,
            Some('a') => out += &weekday[..3],
            Some('H') => out += &format!("{:02}", seconds / 3600 % 24),
            Some('M') => out += &format!("{:02}", seconds / 60 % 60),
            Some('S') => out += &format!("{:02}", seconds % 60),
            Some('%') => out.push('%'),
            other => return Err(wrong(format!("strftime_now: %{}", other.unwrap_or(' ')))),
        }
    }
    Ok(out)
}

/// `{% generation %}` and `{% endgeneration %}` mark what training learns; here they only have to be harmless.
fn without_generation_tags(source: &str) -> String {
    let mut out = String::with_capacity(source.len());
    let mut rest = source;
    while let Some(at) = rest.find("{%") {
        let Some(length) = rest[at + 2..].find("%}").map(|n| n + 2) else { break };
        let inner = &rest[at + 2..at + length];
        let name = inner.trim_matches(|c: char| c.is_whitespace() || c == '-' || c == '+');
        let instead = match name {
            "generation" => Some("if true"),
            "endgeneration" => Some("endif"),
            _ => None,
        };
        out += &rest[..at + 2];
        match instead {
            Some(tag) => out += &inner.replace(name, &format!(" {tag} ")),
            None => out += inner,
        }
        out += "%}";
        rest = &rest[at + length + 2..];
    }
    out + rest
}

fn described(error: &Error) -> (i32, String) {
    let code = if error.kind() == ErrorKind::OutOfFuel { LIMIT } else { WRONG };
    let mut text = error.kind().to_string();
    if let Some(detail) = error.detail() {
        text = detail.to_string();
    }
    if let Some(line) = error.line() {
        text += &format!(" (line {line})");
    }
    (code, text)
}

fn render(source: &str, context: &[u8], limits: &Limits) -> Result<Vec<u8>, (i32, String)> {
    let context: Value = serde_json::from_slice(context).map_err(|e| (CONTEXT, e.to_string()))?;
    let mut environment = Environment::new();
    environment.set_fuel(Some(limits.fuel.min(MAX_FUEL)));
    environment.set_recursion_limit(limits.recursion as usize);
    environment.set_auto_escape_callback(|_| minijinja::AutoEscape::None);
    environment.set_unknown_method_callback(minijinja_contrib::pycompat::unknown_method_callback);
    environment.set_syntax(
        minijinja::syntax::SyntaxConfig::builder()
            .trim_blocks(true)
            .lstrip_blocks(true)
            .build()
            .map_err(|e| (FAULT, e.to_string()))?,
    );
    // These indent without a bound.
    environment.remove_filter("pprint");
    environment.remove_global("debug");
    environment.add_filter("tojson", tojson);
    environment.add_function("strftime_now", |format: String| strftime_now(&format));
    environment.add_function("raise_exception", |what: String| -> Result<String, Error> { Err(wrong(what)) });

    let source = without_generation_tags(source);
    let template = environment.template_from_str(&source).map_err(|e| described(&e))?;
    let limit = usize::try_from(limits.output_bytes).unwrap_or(usize::MAX);
    let mut out = Bounded { bytes: Vec::new(), limit, full: false };
    let result = template.render_captured_to(context, &mut out).map(|_| ());
    match result {
        Ok(()) => Ok(out.bytes),
        Err(_) if out.full => Err((LIMIT, format!("more than {limit} bytes of output"))),
        Err(error) => Err(described(&error)),
    }
}

/// # Safety
/// The pointers are valid for the sizes that stand beside them, `limits` and `out` for one value each.
#[no_mangle]
pub unsafe extern "C" fn tessera_template_render(
    source: *const u8,
    source_size: usize,
    context: *const u8,
    context_size: usize,
    limits: *const Limits,
    out: *mut Text,
) -> i32 {
    let bytes = |at: *const u8, size: usize| if size == 0 { &[] } else { std::slice::from_raw_parts(at, size) };
    let (source, context, limits) = (bytes(source, source_size), bytes(context, context_size), &*limits);
    let on_thread = || -> Result<Vec<u8>, (i32, String)> {
        let source = std::str::from_utf8(source).map_err(|_| (WRONG, "the template is not UTF-8".to_string()))?;
        let stack = STACK_BASE_BYTES + limits.fuel.min(MAX_FUEL) as usize * STACK_BYTES_PER_FUEL;
        std::thread::scope(|scope| {
            let worker = std::thread::Builder::new()
                .stack_size(stack)
                .spawn_scoped(scope, || catch_unwind(AssertUnwindSafe(|| render(source, context, limits))))
                .map_err(|e| (FAULT, e.to_string()))?;
            match worker.join() {
                Ok(Ok(result)) => result,
                _ => Err((FAULT, "the template engine failed".to_string())),
            }
        })
    };
    let (code, text) = match catch_unwind(AssertUnwindSafe(on_thread)) {
        Ok(Ok(text)) => (0, text),
        Ok(Err((code, mut message))) => {
            if let Some((end, _)) = message.char_indices().find(|(at, _)| *at >= MAX_MESSAGE_BYTES) {
                message.truncate(end);
            }
            (code, message.into_bytes())
        }
        Err(_) => (FAULT, b"the template engine failed".to_vec()),
    };
    let boxed = text.into_boxed_slice();
    let size = boxed.len();
    *out = Text { bytes: Box::into_raw(boxed) as *mut u8, size };
    code
}

/// # Safety
/// `text` was filled by tessera_template_render and is given back once.
#[no_mangle]
pub unsafe extern "C" fn tessera_template_free(text: Text) {
    drop(Box::from_raw(std::ptr::slice_from_raw_parts_mut(text.bytes, text.size)));
}
