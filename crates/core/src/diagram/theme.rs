//! Colours: of the states of steps, and of what is around them. Text is readable on each of them, and no colour is the
//! only sign of anything.

use std::fmt;
use std::str::FromStr;

use crate::state::StepState;

/// Colours of background, lines and plain nodes, where the form has any. States have the same colours in all themes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Theme {
    /// Dark on light.
    #[default]
    Light,
    /// Light on dark.
    Dark,
}

/// No such theme.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{0:?} is no theme; choose light or dark")]
pub struct UnknownTheme(pub String);

/// The colours of a theme.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Palette {
    pub(super) background: &'static str,
    /// Text and lines on the background.
    pub(super) foreground: &'static str,
    /// Nodes without a style.
    pub(super) node: &'static str,
    /// Text that leads somewhere.
    pub(super) link: &'static str,
}

/// The style of a step in some state. Begins with the colour, which is part of the contract.
pub(super) fn style_of(state: StepState) -> &'static str {
    match state {
        StepState::Pending => "fill:lightblue;color:black;",
        StepState::InProgress => "fill:lightgreen;color:black;stroke-width:4px;",
        StepState::Complete => "fill:green;color:white;",
        StepState::Error => "fill:red;color:black;",
        StepState::Cancelled => "fill:gray;color:black;stroke-dasharray:6 4;",
        StepState::ResolvedManually => "fill:gold;color:black;",
    }
}

impl Theme {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Light, Self::Dark];

    /// Its name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }

    pub(super) fn palette(self) -> Palette {
        match self {
            Self::Light => {
                Palette { background: "#ffffff", foreground: "#1f2328", node: "#f6f8fa", link: "#0550ae" }
            }
            Self::Dark => {
                Palette { background: "#16191d", foreground: "#e6edf3", node: "#2d333b", link: "#79c0ff" }
            }
        }
    }
}

impl fmt::Display for Theme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Theme {
    type Err = UnknownTheme;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let found = Self::ALL.into_iter().find(|theme| theme.as_str() == text);
        found.ok_or_else(|| UnknownTheme(text.into()))
    }
}

#[cfg(test)]
mod tests {
    use super::super::flowchart::Node;
    use super::*;

    /// The colours used here that have names in CSS.
    const NAMED: [(&str, u32); 8] = [
        ("lightblue", 0xadd8e6),
        ("lightgreen", 0x90ee90),
        ("green", 0x008000),
        ("red", 0xff0000),
        ("gray", 0x808080),
        ("gold", 0xffd700),
        ("black", 0x000000),
        ("white", 0xffffff),
    ];

    /// The contrast of two colours as the WCAG defines it, 1 to 21.
    fn contrast(one: &str, other: &str) -> f64 {
        let (one, other) = (luminance(one), luminance(other));
        (one.max(other) + 0.05) / (one.min(other) + 0.05)
    }

    fn luminance(colour: &str) -> f64 {
        let named = NAMED.iter().find(|(name, _)| *name == colour).map(|(_, rgb)| *rgb);
        let rgb = named.unwrap_or_else(|| u32::from_str_radix(colour.trim_start_matches('#'), 16).unwrap());
        let channel = |shift: u32| {
            let share = f64::from(rgb >> shift & 0xff) / 255.0;
            if share <= 0.04045 { share / 12.92 } else { ((share + 0.055) / 1.055).powf(2.4) }
        };
        0.2126 * channel(16) + 0.7152 * channel(8) + 0.0722 * channel(0)
    }

    #[test]
    fn text_is_readable_in_every_state_and_theme() {
        for state in StepState::ALL {
            let node = Node { style: Some(style_of(state).into()), ..Node::default() };
            let (fill, text) = (node.declared("fill").unwrap(), node.declared("color").unwrap());
            assert!(contrast(fill, text) >= 4.5, "{state}: {}", contrast(fill, text));
        }
        for theme in Theme::ALL {
            let palette = theme.palette();
            for (text, ground) in [
                (palette.foreground, palette.background),
                (palette.foreground, palette.node),
                (palette.link, palette.background),
            ] {
                assert!(contrast(text, ground) >= 4.5, "{theme}: {text} on {ground}");
            }
        }
    }

    #[test]
    fn states_differ_in_colour() {
        let fills: std::collections::BTreeSet<&str> =
            StepState::ALL.iter().map(|state| style_of(*state).split(';').next().unwrap()).collect();
        assert_eq!(fills.len(), StepState::ALL.len());
    }

    #[test]
    fn themes_have_names() {
        assert_eq!("dark".parse(), Ok(Theme::Dark));
        assert_eq!("pink".parse::<Theme>(), Err(UnknownTheme("pink".into())));
    }
}
