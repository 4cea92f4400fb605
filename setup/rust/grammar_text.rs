//! Reads the part of the grammar engine's Lark dialect that our schemas are written in: rules, terminals, texts,
//! expressions between slashes, sets of tokens, groups, `|`, `&`, `~`, and how often. The engine's own reader makes
//! an automaton for the dialect anew for each grammar and then runs over the text with it, which takes most of the
//! time of a small grammar. Whatever is not read here (`None`) is left to that reader: it also says what is wrong.
use std::collections::HashMap;
use std::ops::RangeInclusive;

/// Groups inside of each other.
const MAX_DEPTH: usize = 60;
const MAX_TIMES: u32 = 1 << 20;

#[derive(Debug)]
pub enum Part<'a> {
    Text(String),
    Regex(&'a str),
    /// Of a rule (lower case) or of a terminal.
    Name(&'a str),
    Tokens(Vec<RangeInclusive<u32>>),
    Group(Vec<Alternative<'a>>),
    Not(Box<Part<'a>>),
    /// From least to most, or without end.
    Repeat(Box<Part<'a>>, u32, Option<u32>),
}

/// Sequences that all hold; rules have one.
pub type Alternative<'a> = Vec<Vec<Part<'a>>>;
/// Rules and terminals by name.
pub type Rules<'a> = HashMap<&'a str, Vec<Alternative<'a>>>;

pub fn is_terminal(name: &str) -> bool {
    name.as_bytes()[0].is_ascii_uppercase()
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
    depth: usize,
}

impl<'a> Reader<'a> {
    fn rest(&self) -> &'a [u8] {
        &self.text.as_bytes()[self.at..]
    }

    fn next(&self) -> u8 {
        self.rest().first().copied().unwrap_or(0)
    }

    /// Also over the end of a line when the next one that is not empty begins with `|`.
    fn skip_blanks(&mut self) {
        while matches!(self.next(), b' ' | b'\t') {
            self.at += 1;
        }
        if self.next() == b'\n' {
            let line = self.rest();
            let ends = line.iter().take_while(|b| **b == b'\n').count();
            let blanks = line[ends..].iter().take_while(|b| matches!(b, b' ' | b'\t')).count();
            if line.get(ends + blanks) == Some(&b'|') {
                self.at += ends + blanks;
            }
        }
    }

    fn take(&mut self, byte: u8) -> Option<()> {
        self.skip_blanks();
        if self.next() != byte {
            return None;
        }
        self.at += 1;
        Some(())
    }

    fn name(&mut self) -> Option<&'a str> {
        let begin = self.at;
        let upper = self.next().is_ascii_uppercase();
        if !upper && !self.next().is_ascii_lowercase() {
            return None;
        }
        while match self.next() {
            b'_' | b'-' | b'0'..=b'9' => true,
            b'A'..=b'Z' => upper,
            b'a'..=b'z' => !upper,
            _ => false,
        } {
            self.at += 1;
        }
        // Two names without a space between them.
        (!self.next().is_ascii_alphabetic()).then(|| &self.text[begin..self.at])
    }

    fn number(&mut self) -> Option<u32> {
        let begin = self.at;
        while self.next().is_ascii_digit() {
            self.at += 1;
        }
        self.text[begin..self.at].parse().ok()
    }

    fn string(&mut self) -> Option<String> {
        let begin = self.at;
        self.at += 1;
        loop {
            match self.next() {
                b'"' => break,
                b'\\' if self.rest().get(1)? == &b'x' => return None,
                b'\\' => self.at += 2,
                0..=0x1f | 0x7f => return None,
                _ => self.at += 1,
            }
        }
        self.at += 1;
        // Letters behind it are flags, dots a range.
        if self.next().is_ascii_alphabetic() || self.next() == b'.' {
            return None;
        }
        serde_json::from_str(self.text.get(begin..self.at)?).ok()
    }

    fn regex(&mut self) -> Option<&'a str> {
        self.at += 1;
        let begin = self.at;
        loop {
            match self.next() {
                b'/' => break,
                0 | b'\n' => return None,
                b'\\' if matches!(self.rest().get(1)?, 0 | b'\n') => return None,
                b'\\' => self.at += 2,
                _ => self.at += 1,
            }
        }
        let inside = self.text.get(begin..self.at)?;
        self.at += 1;
        // Nothing inside is the beginning of a comment; letters behind it are flags.
        (!inside.is_empty() && !self.next().is_ascii_alphabetic()).then_some(inside)
    }

    /// `<[1,5-7]>`
    fn tokens(&mut self) -> Option<Vec<RangeInclusive<u32>>> {
        self.at += 1;
        if self.next() != b'[' {
            return None;
        }
        let mut out = vec![];
        while self.next() != b']' {
            self.at += 1;
            let first = self.number()?;
            let mut last = first;
            if self.next() == b'-' {
                self.at += 1;
                last = self.number()?;
            }
            if first > last || !matches!(self.next(), b',' | b']') {
                return None;
            }
            out.push(first..=last);
        }
        if out.is_empty() || !self.rest().starts_with(b"]>") {
            return None;
        }
        self.at += 2;
        Some(out)
    }

    fn one(&mut self) -> Option<Part<'a>> {
        Some(match self.next() {
            b'"' => Part::Text(self.string()?),
            b'/' => Part::Regex(self.regex()?),
            b'<' => Part::Tokens(self.tokens()?),
            b'(' => {
                self.at += 1;
                let group = Part::Group(self.alternatives()?);
                self.take(b')')?;
                group
            }
            _ => Part::Name(self.name()?),
        })
    }

    fn part(&mut self) -> Option<Part<'a>> {
        let part = match self.next() {
            b'~' => {
                self.at += 1;
                // Before a number it says how often, and fails here.
                Part::Not(Box::new(self.one()?))
            }
            _ => self.one()?,
        };
        self.times(part)
    }

    fn times(&mut self, part: Part<'a>) -> Option<Part<'a>> {
        let (least, most) = match self.next() {
            // With a letter behind it, the beginning of a rule's name.
            b'?' if self.rest().get(1).is_some_and(u8::is_ascii_lowercase) => return None,
            b'?' => (0, Some(1)),
            b'*' => (0, None),
            b'+' => (1, None),
            b'{' => {
                self.at += 1;
                let least = self.number()?;
                let mut most = Some(least);
                if self.next() == b',' {
                    self.at += 1;
                    most = if self.next() == b'}' { None } else { Some(self.number()?) };
                }
                if self.next() != b'}' {
                    return None;
                }
                (least, most)
            }
            _ => return Some(part),
        };
        self.at += 1;
        let ends = most.unwrap_or(least.max(1));
        if ends == 0 || ends < least || ends > MAX_TIMES || matches!(self.next(), b'?' | b'*' | b'+' | b'{') {
            return None;
        }
        Some(Part::Repeat(Box::new(part), least, most))
    }

    fn alternatives(&mut self) -> Option<Vec<Alternative<'a>>> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return None;
        }
        let mut out: Vec<Alternative> = vec![vec![vec![]]];
        loop {
            self.skip_blanks();
            match self.next() {
                b'|' => out.push(vec![vec![]]),
                b'&' => out.last_mut()?.push(vec![]),
                b')' | b'\n' | 0 => break,
                _ => {
                    let part = self.part()?;
                    out.last_mut()?.last_mut()?.push(part);
                    continue;
                }
            }
            self.at += 1;
        }
        self.depth -= 1;
        Some(out)
    }
}

/// None: something that is not read here, or is wrong.
pub fn read(text: &str) -> Option<Rules<'_>> {
    let mut reader = Reader { text, at: 0, depth: 0 };
    let mut rules = Rules::new();
    loop {
        while matches!(reader.next(), b'\n' | b' ') {
            reader.at += 1;
        }
        if reader.rest().is_empty() {
            return Some(rules);
        }
        let name = reader.name()?;
        reader.take(b':')?;
        let body = reader.alternatives()?;
        // A zero byte ends a line as the end of the text does.
        if (reader.next() != b'\n' && !reader.rest().is_empty()) || rules.insert(name, body).is_some() {
            return None;
        }
    }
}
