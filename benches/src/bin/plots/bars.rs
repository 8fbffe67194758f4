//! Bars: one row a contender, a bar for each of two questions.

use std::fmt::Write as _;

use crate::figure::{GREY, INK, Style, WIDTH, close, open, rule, text};

const LEFT: f64 = 190.0;
const RIGHT: f64 = WIDTH - 70.0;
const TOP: f64 = 96.0;
const ROW: f64 = 52.0;
const BAR: f64 = 17.0;

/// A bar that is longer has its label inside.
const LABEL_WIDTH: f64 = 90.0;

/// One contender.
pub(crate) struct Row {
    pub(crate) name: String,
    pub(crate) style: Style,
    /// What was asked, and how it went.
    pub(crate) values: Vec<(&'static str, f64)>,
}

/// Bars against a perfect value.
pub(crate) struct Bars {
    pub(crate) title: String,
    pub(crate) subtitle: String,
    pub(crate) footer: String,
    pub(crate) label: &'static str,
    pub(crate) ticks: Vec<f64>,
    pub(crate) perfect: f64,
    pub(crate) rows: Vec<Row>,
}

impl Bars {
    pub(crate) fn to_svg(&self) -> String {
        let bottom = TOP + ROW * self.rows.len() as f64;
        let height = bottom + 90.0;
        let mut svg = open(height, &self.title, &self.subtitle);
        for tick in &self.ticks {
            let x = self.x_of(*tick);
            let dash = if (*tick - self.perfect).abs() < 1e-9 { "" } else { "2 3" };
            rule(&mut svg, (x, TOP - 6.0), (x, bottom), GREY, dash);
            text(&mut svg, (x, bottom + 18.0), 12.0, INK, "middle", &format!("{tick}"));
        }
        for (index, row) in self.rows.iter().enumerate() {
            self.draw_row(&mut svg, row, TOP + ROW * index as f64);
        }
        let middle = f64::midpoint(LEFT, RIGHT);
        text(&mut svg, (middle, bottom + 42.0), 13.0, INK, "middle", self.label);
        close(svg, height, &self.footer)
    }

    fn x_of(&self, value: f64) -> f64 {
        let most = self.ticks.iter().copied().fold(self.perfect, f64::max) * 1.08;
        LEFT + (value / most).clamp(0.0, 1.0) * (RIGHT - LEFT)
    }

    fn draw_row(&self, svg: &mut String, row: &Row, top: f64) {
        text(svg, (LEFT - 10.0, top + ROW / 2.0), 13.0, row.style.color, "end", &row.name);
        for (index, (asked, value)) in row.values.iter().enumerate() {
            let y = top + 6.0 + (BAR + 3.0) * index as f64;
            let width = self.x_of(*value) - LEFT;
            let (color, opacity) = (row.style.color, if index == 0 { 1.0 } else { 0.55 });
            let _ = writeln!(
                svg,
                r#"<rect x="{LEFT:.1}" y="{y:.1}" width="{width:.1}" height="{BAR:.1}" fill="{color}" fill-opacity="{opacity}"/>"#
            );
            let label = format!("{value:.2} {asked}");
            let y = y + BAR - 4.0;
            if width < LABEL_WIDTH {
                text(svg, (LEFT + width + 6.0, y), 12.0, INK, "start", &label);
            } else {
                let ink = if index == 0 { "#ffffff" } else { INK };
                text(svg, (LEFT + width - 6.0, y), 12.0, ink, "end", &label);
            }
        }
    }
}
