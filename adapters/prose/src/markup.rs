//! HTML and XML: the text between the tags.

/// Elements that ad servers use in sentences. A text that doesn't begin with a tag may contain
/// `<number>` or `a <b and c> d`, which are not tags, so only these elements count there.
const KNOWN: [&str; 47] = [
    "a",
    "address",
    "article",
    "b",
    "blockquote",
    "body",
    "br",
    "button",
    "center",
    "code",
    "div",
    "em",
    "font",
    "footer",
    "form",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "head",
    "header",
    "hr",
    "html",
    "i",
    "img",
    "input",
    "li",
    "link",
    "main",
    "meta",
    "ol",
    "p",
    "pre",
    "script",
    "section",
    "small",
    "span",
    "strong",
    "style",
    "table",
    "td",
    "th",
    "title",
    "tr",
    "ul",
];
/// Elements inside a word or sentence: their tags don't separate words.
const INLINE: [&str; 9] = ["a", "b", "code", "em", "font", "i", "small", "span", "strong"];
/// Elements whose content is not for people.
const MUTE: [&str; 5] = ["script", "style", "template", "svg", "object"];
/// The longest tag that is recognised, in bytes.
const LONGEST_TAG: usize = 2_048;

/// Returns the words of a text with tags. A text without tags is returned unchanged, except that
/// its entities are decoded.
pub(crate) fn words(text: &str) -> String {
    let mut page =
        Page { is_document: begins_with_a_tag(text), title: String::new(), body: String::new(), in_title: false };
    let mut rest = text;
    while let Some(at) = rest.find('<') {
        page.say(&rest[..at]);
        rest = page.tag(&rest[at..]);
    }
    page.say(rest);
    page.told()
}

fn begins_with_a_tag(text: &str) -> bool {
    let mut chars = text.trim_start().chars();
    chars.next() == Some('<') && chars.next().is_some_and(|char| char.is_ascii_alphabetic() || "!?/".contains(char))
}

struct Page {
    /// Whether the whole text is markup. If so, everything that looks like a tag is one.
    is_document: bool,
    title: String,
    body: String,
    in_title: bool,
}

impl Page {
    fn say(&mut self, text: &str) {
        self.put(&html_escape::decode_html_entities(text));
    }

    fn put(&mut self, text: &str) {
        let into = if self.in_title { &mut self.title } else { &mut self.body };
        into.push_str(text);
    }

    /// Consumes what begins at a `<` and returns the rest.
    fn tag<'t>(&mut self, at: &'t str) -> &'t str {
        if self.is_document
            && let Some(comment) = at.strip_prefix("<!--")
        {
            return after(comment, "-->");
        }
        if self.is_document
            && let Some(data) = at.strip_prefix("<![CDATA[")
        {
            let end = data.find("]]>").unwrap_or(data.len());
            self.put(&data[..end]);
            return data.get(end + 3..).unwrap_or_default();
        }
        let Some((name, is_end)) = self.name(at) else {
            self.put("<");
            return &at[1..];
        };
        let Some(end) = end_of_tag(at) else {
            // A page that was cut off within a tag ends there.
            if self.is_document {
                return "";
            }
            self.put("<");
            return &at[1..];
        };
        let rest = &at[end + 1..];
        if name == "title" {
            self.in_title = !is_end;
        }
        if !INLINE.contains(&name.as_str()) {
            self.put(" ");
        }
        if MUTE.contains(&name.as_str()) && !is_end && !at[..end].ends_with('/') {
            return after_element(rest, &name);
        }
        rest
    }

    /// Returns the name of the tag that begins here, in lower case, and whether it is a closing
    /// tag.
    fn name(&self, at: &str) -> Option<(String, bool)> {
        let inner = &at[1..];
        if self.is_document && inner.starts_with(['!', '?']) {
            return Some((String::new(), false));
        }
        let (inner, is_end) = inner.strip_prefix('/').map_or((inner, false), |inner| (inner, true));
        if !inner.starts_with(|char: char| char.is_ascii_alphabetic()) {
            return None;
        }
        let ends = |char: char| char.is_whitespace() || matches!(char, '/' | '>' | '<');
        let name = inner[..inner.find(ends).unwrap_or(inner.len())].to_ascii_lowercase();
        (self.is_document || KNOWN.contains(&name.as_str())).then_some((name, is_end))
    }

    /// Returns the title, unless the text repeats it, and the text of the page.
    fn told(self) -> String {
        let one_line = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
        let title = one_line(&self.title);
        if title.is_empty() {
            return self.body;
        }
        let body = one_line(&self.body);
        match (body.is_empty(), body.to_lowercase().contains(&title.to_lowercase())) {
            (true, _) => title,
            (false, true) => body,
            (false, false) => format!("{title}: {body}"),
        }
    }
}

/// Returns the end of the tag that begins here. A `>` within quotes doesn't end it.
fn end_of_tag(at: &str) -> Option<usize> {
    let within = at.as_bytes().iter().take(LONGEST_TAG).enumerate();
    let mut quote = None;
    for (index, byte) in within {
        match (quote, byte) {
            (None, b'>') => return Some(index),
            (None, b'"' | b'\'') => quote = Some(byte),
            (Some(open), byte) if open == byte => quote = None,
            _ => {}
        }
    }
    // An unclosed quote is an apostrophe.
    at.as_bytes().iter().take(LONGEST_TAG).position(|byte| *byte == b'>')
}

fn after<'t>(text: &'t str, mark: &str) -> &'t str {
    text.find(mark).map_or("", |at| &text[at + mark.len()..])
}

/// Returns what follows the end of an element; nothing if it doesn't end.
fn after_element<'t>(text: &'t str, name: &str) -> &'t str {
    let mut from = 0;
    while let Some(at) = text[from..].find("</").map(|at| from + at) {
        let inner = &text.as_bytes()[at + 2..];
        if inner.get(..name.len()).is_some_and(|found| found.eq_ignore_ascii_case(name.as_bytes())) {
            return after(&text[at..], ">");
        }
        from = at + 2;
    }
    ""
}

#[cfg(test)]
mod tests {
    use super::words;

    fn said(text: &str) -> String {
        words(text).split_whitespace().collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn pages_are_reduced_to_their_words() {
        for (page, words) in [
            ("<html><head><title>302 Found</title></head><body><h1>302 Found</h1><hr>nginx</body>", "302 Found nginx"),
            ("<title>Maintenance</title><p>Back at <b>nine</b>.", "Maintenance: Back at nine."),
            ("<TITLE>Gone</TITLE>", "Gone"),
            ("<html><script>if (a<b) { x('</p>') }</SCRIPT ><p>yes</p></html>", "yes"),
            ("<p>a</p><style>p{}</style", "a"),
            ("<p>caf&eacute; &#8211; &quot;x&quot; &nosuch; AT&T</p>", "café – \"x\" &nosuch; AT&T"),
            ("<p title='a > b'>c</p>", "c"),
            ("<!DOCTYPE html>\n<!-- > x --><p>y", "y"),
            ("<p>cut <a href=\"http", "cut"),
            ("Sorry.<br>The price is <strong>too low</strong>", "Sorry. The price is too low"),
        ] {
            assert_eq!(said(page), words, "{page}");
        }
    }

    #[test]
    fn faults_are_reduced_to_their_words() {
        let fault = "<?xml version=\"1.0\"?><soap:Envelope xmlns:soap=\"x\"><soap:Body><soap:Fault>\
                     <faultcode>soap:Server</faultcode><faultstring>Too &lt;many&gt; requests</faultstring>\
                     <detail><![CDATA[a <b> & c]]></detail></soap:Fault></soap:Body></soap:Envelope>";
        assert_eq!(said(fault), "soap:Server Too <many> requests a <b> & c");
    }

    #[test]
    fn what_only_looks_like_a_tag_stays() {
        for text in ["a <b and c", "x < y > z", "<", "1<2", "Expected <number>, got <text>", "<3 is no tag", "5 <= 6"] {
            assert_eq!(said(text), text);
        }
    }

    #[test]
    fn a_page_of_nothing_but_open_tags_ends() {
        let page = "<b \"".repeat(16_000);
        assert!(said(&page).len() <= page.len());
    }
}
