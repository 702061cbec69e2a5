//! How deep a module is nested: before it is parsed, so that no recursion runs out of stack, and as the subnet's own
//! parser sees it, which gives up long before ours.
//!
//! The scan before parsing is a small lexer. It need not be right about what the text means, only never say less than
//! the truth: where it cannot tell a division from a regular expression it says so, and the parser gets stack for the
//! worst case.

/// The deepest nesting that is parsed at all: many times what the subnet's parser can follow.
pub(crate) const PARSED_LEVELS: usize = 20_000;

/// An upper bound of how deep a parser has to go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Nesting {
    /// Levels, at most.
    pub(crate) levels: usize,
    /// Whether `levels` holds whatever the ambiguous slashes mean.
    pub(crate) certain: bool,
}

/// Stack that one level takes at most, ours and the parser's.
#[cfg(not(debug_assertions))]
const LEVEL_BYTES: usize = 4 * 1024;
/// The same for code that is not optimised.
#[cfg(debug_assertions)]
const LEVEL_BYTES: usize = 24 * 1024;

/// Stack that every caller has left.
const CALLERS_STACK: usize = 768 * 1024;

impl Nesting {
    /// Does the work with as much stack as text of this nesting can need: here if that is little, else on a thread of
    /// its own. Nothing if the machine has not that much address space.
    pub(crate) fn with_stack<T: Send>(self, bytes: usize, work: impl FnOnce() -> T + Send) -> Option<T> {
        // A `while` behind its `do` can go down once more from where the `do` is; and no level takes less than a byte.
        let levels = if self.certain { (2 * self.levels).min(bytes) } else { bytes };
        let stack = levels * LEVEL_BYTES;
        if stack <= CALLERS_STACK {
            return Some(work());
        }
        std::thread::scope(|scope| {
            let thread = std::thread::Builder::new().name("deep".into()).stack_size(stack + CALLERS_STACK);
            let joined = thread.spawn_scoped(scope, work).ok()?.join();
            Some(joined.unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
        })
    }
}

/// What the last token was, as far as it decides about the next one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Last {
    /// The end of an operand: a name, a literal, `]`, a `)` that does not belong to a statement's head.
    Operand,
    /// `}`: the end of a block or of an object.
    Brace,
    /// The `)` of `if (…)`, `for (…)`, `while (…)`, `with (…)`.
    Head,
    /// A keyword after which an expression or a statement begins.
    Keyword,
    /// A word that is a keyword in some places and a name in others: `get`, `of`, `async` ….
    Either,
    /// `.` or `?.`: the next word is no keyword.
    Dot,
    /// An operator, an opening bracket, the start.
    Other,
}

/// One open bracket.
#[derive(Debug)]
struct Open {
    bracket: u8,
    /// Levels within it that no bracket shows: operators, prefixes, arrows, statements without braces.
    bare: usize,
    /// Whether it is the bracket of a statement's head.
    head: bool,
}

struct Scan<'s> {
    source: &'s str,
    bytes: &'s [u8],
    at: usize,
    last: Last,
    /// Whether a line ended since the last token.
    line_ended: bool,
    /// What the last `;`, `,` or statement's end took off; an `else` brings it back.
    taken_off: usize,
    open: Vec<Open>,
    /// Sum of `1 + bare` over `open`.
    levels: usize,
    deepest: usize,
    /// Whether a `(` that follows at once belongs to a statement's head.
    head_follows: bool,
    certain: bool,
}

/// Scans a source.
pub(crate) fn scan(source: &str) -> Nesting {
    let mut scan = Scan {
        source,
        bytes: source.as_bytes(),
        at: 0,
        last: Last::Other,
        line_ended: false,
        taken_off: 0,
        open: vec![Open { bracket: 0, bare: 0, head: false }],
        levels: 1,
        deepest: 1,
        head_follows: false,
        certain: true,
    };
    if source.starts_with("#!") {
        scan.skip_line();
    }
    while let Some(byte) = scan.peek(0) {
        scan.token(byte);
    }
    Nesting { levels: scan.deepest, certain: scan.certain }
}

impl Scan<'_> {
    fn peek(&self, ahead: usize) -> Option<u8> {
        self.bytes.get(self.at + ahead).copied()
    }

    fn token(&mut self, byte: u8) {
        match byte {
            b'\n' | b'\r' => {
                self.line_ended = true;
                self.at += 1;
                return;
            }
            b' ' | b'\t' | 0x0b | 0x0c => return self.at += 1,
            b'/' if self.peek(1) == Some(b'/') => return self.skip_line(),
            b'/' if self.peek(1) == Some(b'*') => return self.comment(),
            0x80.. => {
                if let Some(space) = self.wide_space() {
                    self.line_ended |= matches!(space, '\u{2028}' | '\u{2029}');
                    self.at += space.len_utf8();
                    return;
                }
            }
            _ => (),
        }
        let head = std::mem::take(&mut self.head_follows);
        match byte {
            b'/' => self.slash(),
            b'"' | b'\'' => self.string(byte),
            b'`' => {
                // Never the end of anything: behind an operand it is a call of that operand.
                self.bare();
                self.at += 1;
                self.template();
            }
            b'(' | b'[' | b'{' => self.opening(byte, head && byte == b'('),
            b')' | b']' | b'}' => self.closing(byte),
            b';' | b',' => {
                self.separate();
                self.at += 1;
                self.last = Last::Other;
            }
            b'.' if !self.peek(1).is_some_and(|next| next.is_ascii_digit()) => {
                self.bare();
                self.at += 1;
                self.last = Last::Dot;
            }
            b'+' | b'-' if self.peek(1) == Some(byte) && self.last == Last::Operand && !self.line_ended => self.at += 2,
            b'0'..=b'9' | b'.' => self.number(),
            b'A'..=b'Z' | b'a'..=b'z' | b'_' | b'$' | b'#' | b'\\' | 0x80.. => self.word(head),
            _ => {
                self.bare();
                self.at += 1;
                self.last = Last::Other;
            }
        }
        self.line_ended = false;
    }

    /// The white space beyond ASCII that stands here.
    fn wide_space(&self) -> Option<char> {
        let wide = |c: &char| {
            matches!(
                c,
                '\u{a0}' | '\u{1680}' | '\u{2000}'
                    ..='\u{200a}' | '\u{2028}' | '\u{2029}' | '\u{202f}' | '\u{205f}' | '\u{3000}' | '\u{feff}'
            )
        };
        self.source.get(self.at..)?.chars().next().filter(wide)
    }

    /// One more level that no bracket shows.
    fn bare(&mut self) {
        self.innermost().bare += 1;
        self.levels += 1;
        self.deepest = self.deepest.max(self.levels);
    }

    /// An expression or a statement ends for certain: what it nested without brackets is over, unless `else` follows.
    fn separate(&mut self) {
        let bare = std::mem::take(&mut self.innermost().bare);
        self.levels -= bare;
        // `break label;` ends twice.
        if bare > 0 {
            self.taken_off = bare;
        }
    }

    fn innermost(&mut self) -> &mut Open {
        self.open.last_mut().expect("the outermost level is never closed")
    }

    /// Two operands in a row are two statements.
    fn operand_begins(&mut self) {
        if matches!(self.last, Last::Operand | Last::Brace) {
            self.separate();
        }
    }

    fn opening(&mut self, bracket: u8, head: bool) {
        self.bare();
        self.push(bracket, head);
        self.at += 1;
        self.last = Last::Other;
    }

    fn push(&mut self, bracket: u8, head: bool) {
        self.open.push(Open { bracket, bare: 0, head });
        self.levels += 1;
        self.deepest = self.deepest.max(self.levels);
    }

    fn closing(&mut self, bracket: u8) {
        self.at += 1;
        self.last = if bracket == b'}' { Last::Brace } else { Last::Operand };
        if self.open.len() == 1 {
            return;
        }
        let closed = self.open.pop().expect("there are two");
        self.levels -= closed.bare + 1;
        if closed.head {
            self.last = Last::Head;
        }
        if closed.bracket == b'`' {
            self.template();
        }
    }

    /// A name or a keyword; `head` if a statement's head is awaited, as in `for await (…)`.
    fn word(&mut self, head: bool) {
        let start = self.at;
        while let Some(byte) = self.peek(0) {
            match byte {
                b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'_' | b'$' | b'#' | b'\\' => (),
                0x80.. if self.wide_space().is_none() => (),
                _ => break,
            }
            self.at += 1;
        }
        // The first byte is part of the word whatever it is.
        self.at = self.at.max(start + 1);
        if self.last == Last::Dot {
            self.last = Last::Operand;
            return;
        }
        match &self.bytes[start..self.at] {
            b"else" => {
                let again = std::mem::take(&mut self.taken_off);
                let ended = matches!(self.last, Last::Other);
                if ended {
                    self.innermost().bare += again;
                    self.levels += again;
                }
                self.bare();
                self.last = Last::Keyword;
            }
            b"in" | b"instanceof" | b"extends" => {
                self.bare();
                self.last = Last::Keyword;
            }
            b"of" | b"as" | b"from" => {
                self.bare();
                self.last = Last::Either;
            }
            b"await" if head => self.head_follows = true,
            b"if" | b"for" | b"while" | b"with" => {
                self.operand_begins();
                self.bare();
                self.head_follows = true;
                self.last = Last::Keyword;
            }
            b"do" | b"return" | b"typeof" | b"void" | b"delete" | b"new" | b"throw" | b"case" | b"yield" | b"await"
            | b"function" | b"class" | b"try" | b"switch" | b"catch" | b"finally" | b"default" | b"export"
            | b"import" | b"var" | b"let" | b"const" | b"static" => {
                self.operand_begins();
                self.bare();
                self.last = Last::Keyword;
            }
            b"async" | b"get" | b"set" | b"using" => {
                self.operand_begins();
                self.bare();
                self.last = Last::Either;
            }
            _ => {
                self.operand_begins();
                self.last = Last::Operand;
            }
        }
    }

    fn number(&mut self) {
        self.operand_begins();
        let start = self.at;
        self.digits();
        // One point belongs to a decimal number; any other is that of a member, as in `1..a.a` and `1n.a`.
        let whole = &self.bytes[start..self.at];
        let decimal = whole.iter().all(|byte| byte.is_ascii_digit() || *byte == b'_');
        if decimal && self.peek(0) == Some(b'.') {
            self.at += 1;
            self.digits();
        }
        self.last = Last::Operand;
    }

    fn digits(&mut self) {
        while self.peek(0).is_some_and(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
            self.at += 1;
        }
    }

    fn string(&mut self, quote: u8) {
        self.operand_begins();
        self.at += 1;
        while let Some(byte) = self.peek(0) {
            self.at += 1;
            match byte {
                b'\\' => self.at += if self.peek(0) == Some(b'\r') && self.peek(1) == Some(b'\n') { 2 } else { 1 },
                b'\n' | b'\r' => break,
                _ if byte == quote => break,
                _ => (),
            }
        }
        self.last = Last::Operand;
    }

    /// The text of a template up to its end or the next `${`.
    fn template(&mut self) {
        while let Some(byte) = self.peek(0) {
            self.at += 1;
            match byte {
                b'\\' => self.at += 1,
                b'`' => break,
                b'$' if self.peek(0) == Some(b'{') => {
                    self.at += 1;
                    self.push(b'`', false);
                    self.last = Last::Other;
                    return;
                }
                _ => (),
            }
        }
        self.last = Last::Operand;
    }

    fn slash(&mut self) {
        match self.last {
            Last::Operand => {
                self.bare();
                self.at += 1;
                self.last = Last::Other;
            }
            Last::Brace => {
                // The end of a block, so a regular expression; or of an object, so a division.
                self.certain = false;
                self.bare();
                self.at += 1;
                self.last = Last::Other;
            }
            Last::Either => {
                self.certain = false;
                self.regular_expression();
            }
            Last::Head | Last::Keyword | Last::Dot | Last::Other => self.regular_expression(),
        }
    }

    fn regular_expression(&mut self) {
        self.at += 1;
        let mut class = false;
        while let Some(byte) = self.peek(0) {
            self.at += 1;
            match byte {
                b'\\' => self.at += 1,
                b'[' => class = true,
                b']' => class = false,
                b'\n' | b'\r' => break,
                b'/' if !class => break,
                _ => (),
            }
        }
        self.last = Last::Operand;
    }

    fn comment(&mut self) {
        let end = self.bytes[self.at + 2..].windows(2).position(|pair| pair == b"*/");
        let behind = end.map_or(self.bytes.len(), |end| self.at + 2 + end + 2);
        let comment = &self.bytes[self.at..behind];
        let separator = |window: &[u8]| matches!(window, [0xe2, 0x80, 0xa8 | 0xa9]);
        self.line_ended |=
            comment.iter().any(|byte| matches!(byte, b'\n' | b'\r')) || comment.windows(3).any(separator);
        self.at = behind;
    }

    fn skip_line(&mut self) {
        while let Some(byte) = self.peek(0) {
            let separator =
                byte == 0xe2 && matches!(self.bytes.get(self.at + 1..self.at + 3), Some([0x80, 0xa8 | 0xa9]));
            if matches!(byte, b'\n' | b'\r') || separator {
                break;
            }
            self.at += 1;
        }
    }
}
