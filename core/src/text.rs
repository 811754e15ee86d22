//! Text from outside, made safe to show: what a terminal could take for an order, or a reader for
//! another line, is replaced. Copies nothing.

use std::fmt::{self, Write};

/// Stands for what must not be shown.
const REPLACED: char = '?';

/// The characters of `text`, each on one line and without effect on a terminal.
pub fn plain(text: &str) -> impl Iterator<Item = char> + '_ {
    text.chars().map(|character| if is_plain(character) { character } else { REPLACED })
}

/// True for a character that only shows itself: no control character (escapes and line ends are), no
/// line or paragraph separator, none that turns the direction of the text or has no width.
pub fn is_plain(character: char) -> bool {
    !character.is_control()
        && !matches!(
            character,
            '\u{61c}'
                | '\u{200b}'..='\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{2069}'
                | '\u{feff}'
        )
}

/// Shows text from outside by [`plain`].
#[derive(Clone, Copy, Debug)]
pub struct Plain<'a>(pub &'a str);

impl fmt::Display for Plain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        plain(self.0).try_for_each(|character| f.write_char(character))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_moves_a_cursor_or_ends_a_line_is_shown() {
        for (text, shown) in [
            ("cancel_only", "cancel_only"),
            ("Gr\u{fc}\u{df}e \u{20ac}", "Gr\u{fc}\u{df}e \u{20ac}"),
            ("\u{1b}[2J\u{1b}]0;title\u{7}", "?[2J?]0;title?"),
            ("one\r\ntwo\u{85}three\u{2028}four\tfive", "one??two?three?four?five"),
            ("\u{9b}31m \u{202e}txet\u{2066}\u{200b}\u{feff}\0\u{7f}", "?31m ?txet?????"),
        ] {
            assert_eq!(Plain(text).to_string(), shown, "{text:?}");
        }
    }
}
