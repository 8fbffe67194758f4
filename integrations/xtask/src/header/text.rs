//! Comments of C, in lines that are not too long.

/// Where lines end, if they can.
const LINE: usize = 80;

/// A comment on lines of its own.
pub(super) fn comment(text: &str) -> String {
    match wrap(text, LINE - 6).as_slice() {
        [] => String::new(),
        [line] => format!("/* {line} */\n"),
        lines => format!("/*\n * {}\n */\n", lines.join("\n * ")),
    }
}

/// A line of code with a comment behind it that begins in `column`.
pub(super) fn trailing_comment(code: &str, column: usize, text: &str) -> String {
    let lines = wrap(text, LINE.saturating_sub(column + 6));
    if lines.is_empty() {
        return format!("{code}\n");
    }
    let break_line = format!("\n{:column$} * ", "");
    format!("{code:column$}/* {} */\n", lines.join(&break_line))
}

/// Cuts a text between words; the first one keeps the spaces before it.
fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.trim_end().split(' ') {
        match lines.last_mut() {
            Some(line) if line.trim().is_empty() || line.len() + 1 + word.len() <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.into()),
        }
    }
    lines.retain(|line| !line.is_empty());
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_are_cut_between_words() {
        assert_eq!(comment(""), "");
        assert_eq!(comment("Short."), "/* Short. */\n");
        let word = "w".repeat(40);
        assert_eq!(comment(&format!("{word} {word}")), format!("/*\n * {word}\n * {word}\n */\n"));
        assert_eq!(trailing_comment("int x;", 8, ""), "int x;\n");
        let text = format!("a {word} {word}");
        let wanted = format!("int x;  /* a {word}\n         * {word} */\n");
        assert_eq!(trailing_comment("int x;", 8, &text), wanted);
    }
}
