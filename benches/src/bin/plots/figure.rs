//! A figure: title, axes, lines with their names at their ends, and where it was measured.

use std::fmt::Write as _;

use crate::axis::Axis;

pub(crate) const WIDTH: f64 = 960.0;
const HEIGHT: f64 = 560.0;
const LEFT: f64 = 84.0;
const RIGHT: f64 = 760.0;
const TOP: f64 = 84.0;
const BOTTOM: f64 = 470.0;

/// Least distance between the names of two lines.
const LABEL_HEIGHT: f64 = 17.0;

pub(crate) const INK: &str = "#222222";
pub(crate) const GREY: &str = "#666666";

/// How a contender is drawn: colours of Okabe and Ito, which the colour-blind tell apart, and dashes.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) struct Style {
    pub(crate) color: &'static str,
    pub(crate) dash: &'static str,
    pub(crate) width: f64,
}

/// A line and its name.
pub(crate) struct Line {
    pub(crate) name: String,
    pub(crate) style: Style,
    pub(crate) points: Vec<(f64, f64)>,
    /// Whether each point is marked: not where there are many.
    pub(crate) marked: bool,
}

/// A stretch of the horizontal axis, with what happens in it.
pub(crate) struct Phase {
    pub(crate) from: f64,
    pub(crate) to: f64,
    pub(crate) name: &'static str,
}

/// Lines over two axes.
pub(crate) struct Figure {
    pub(crate) title: String,
    pub(crate) subtitle: String,
    pub(crate) footer: String,
    pub(crate) x: Axis,
    pub(crate) y: Axis,
    pub(crate) lines: Vec<Line>,
    pub(crate) phases: Vec<Phase>,
    /// A level across the figure, and its name.
    pub(crate) level: Option<(f64, String)>,
}

impl Figure {
    pub(crate) fn to_svg(&self) -> String {
        let mut svg = open(HEIGHT, &self.title, &self.subtitle);
        self.draw_phases(&mut svg);
        self.draw_axes(&mut svg);
        if let Some((value, name)) = &self.level {
            let y = self.y_of(*value);
            rule(&mut svg, (LEFT, y), (RIGHT, y), INK, "6 4");
            text(&mut svg, (LEFT + 8.0, y - 6.0), 12.0, INK, "start", name);
        }
        for line in &self.lines {
            self.draw_line(&mut svg, line);
        }
        self.draw_names(&mut svg);
        close(svg, HEIGHT, &self.footer)
    }

    fn x_of(&self, value: f64) -> f64 {
        LEFT + self.x.place(value) * (RIGHT - LEFT)
    }

    fn y_of(&self, value: f64) -> f64 {
        BOTTOM - self.y.place(value) * (BOTTOM - TOP)
    }

    fn draw_phases(&self, svg: &mut String) {
        for (index, phase) in self.phases.iter().enumerate() {
            let (from, to) = (self.x_of(phase.from), self.x_of(phase.to));
            let fill = if index % 2 == 1 { "#f3efe6" } else { "#ffffff" };
            let (width, height) = (to - from, BOTTOM - TOP);
            let _ = writeln!(
                svg,
                r#"<rect x="{from:.1}" y="{TOP:.1}" width="{width:.1}" height="{height:.1}" fill="{fill}"/>"#
            );
            text(svg, ((from + to) / 2.0, TOP + 16.0), 12.0, GREY, "middle", phase.name);
        }
    }

    fn draw_axes(&self, svg: &mut String) {
        for (value, label) in &self.y.ticks {
            let y = self.y_of(*value);
            rule(svg, (LEFT, y), (RIGHT, y), "#dddddd", "");
            text(svg, (LEFT - 8.0, y + 4.0), 12.0, INK, "end", label);
        }
        for (value, label) in &self.x.ticks {
            let x = self.x_of(*value);
            rule(svg, (x, BOTTOM), (x, BOTTOM + 5.0), INK, "");
            text(svg, (x, BOTTOM + 20.0), 12.0, INK, "middle", label);
        }
        rule(svg, (LEFT, BOTTOM), (RIGHT, BOTTOM), INK, "");
        text(svg, ((LEFT + RIGHT) / 2.0, BOTTOM + 42.0), 13.0, INK, "middle", &self.x.label);
        let y = (TOP + BOTTOM) / 2.0;
        let label = escape(&self.y.label);
        let _ = writeln!(
            svg,
            r#"<text transform="translate(20 {y:.1}) rotate(-90)" font-size="13" fill="{INK}" text-anchor="middle">{label}</text>"#
        );
    }

    fn draw_line(&self, svg: &mut String, line: &Line) {
        let Style { color, dash, width } = line.style;
        let places: Vec<String> = line
            .points
            .iter()
            .map(|(x, y)| format!("{:.1},{:.1}", self.x_of(*x), self.y_of(*y)))
            .collect();
        let _ = writeln!(
            svg,
            r#"<polyline points="{}" fill="none" stroke="{color}" stroke-width="{width}" stroke-dasharray="{dash}" stroke-linejoin="round"/>"#,
            places.join(" ")
        );
        for (x, y) in line.points.iter().filter(|_| line.marked) {
            let (x, y) = (self.x_of(*x), self.y_of(*y));
            let _ = writeln!(svg, r#"<circle cx="{x:.1}" cy="{y:.1}" r="3" fill="{color}"/>"#);
        }
    }

    /// Each name at the end of its line, moved where two would overlap, with a thread to its end.
    fn draw_names(&self, svg: &mut String) {
        let mut ends: Vec<(&Line, f64, f64)> = self
            .lines
            .iter()
            .filter_map(|line| {
                let (x, y) = line.points.last()?;
                Some((line, self.x_of(*x), self.y_of(*y)))
            })
            .collect();
        ends.sort_by(|one, other| one.2.total_cmp(&other.2));
        let places = spread(&ends.iter().map(|end| end.2).collect::<Vec<_>>(), (TOP, BOTTOM));
        for ((line, x, y), place) in ends.iter().zip(places) {
            let color = line.style.color;
            rule(svg, (x + 4.0, *y), (RIGHT + 14.0, place), color, "1 2");
            text(svg, (RIGHT + 18.0, place + 4.0), 13.0, color, "start", &line.name);
        }
    }
}

/// Moves ascending places apart until none is nearer to the next than a name is high.
fn spread(wanted: &[f64], (top, bottom): (f64, f64)) -> Vec<f64> {
    let mut places: Vec<f64> = Vec::new();
    for want in wanted {
        let least = places.last().map_or(top, |last| last + LABEL_HEIGHT);
        places.push(want.max(least));
    }
    let mut most = bottom;
    for place in places.iter_mut().rev() {
        *place = place.min(most);
        most = *place - LABEL_HEIGHT;
    }
    places
}

pub(crate) fn open(height: f64, title: &str, subtitle: &str) -> String {
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{WIDTH}\" height=\"{height}\" \
         viewBox=\"0 0 {WIDTH} {height}\" font-family=\"DejaVu Sans, Verdana, sans-serif\">\n\
         <rect width=\"{WIDTH}\" height=\"{height}\" fill=\"#ffffff\"/>\n"
    );
    let _ = writeln!(
        svg,
        r#"<text x="20" y="30" font-size="17" font-weight="bold" fill="{INK}">{}</text>"#,
        escape(title)
    );
    text(&mut svg, (20.0, 52.0), 13.0, GREY, "start", subtitle);
    svg
}

pub(crate) fn close(mut svg: String, height: f64, footer: &str) -> String {
    text(&mut svg, (20.0, height - 14.0), 10.0, GREY, "start", footer);
    svg.push_str("</svg>\n");
    svg
}

pub(crate) fn text(
    svg: &mut String,
    (x, y): (f64, f64),
    size: f64,
    color: &str,
    anchor: &str,
    words: &str,
) {
    let words = escape(words);
    let _ = writeln!(
        svg,
        r#"<text x="{x:.1}" y="{y:.1}" font-size="{size}" fill="{color}" text-anchor="{anchor}">{words}</text>"#
    );
}

pub(crate) fn rule(
    svg: &mut String,
    (x1, y1): (f64, f64),
    (x2, y2): (f64, f64),
    color: &str,
    dash: &str,
) {
    let _ = writeln!(
        svg,
        r#"<line x1="{x1:.1}" y1="{y1:.1}" x2="{x2:.1}" y2="{y2:.1}" stroke="{color}" stroke-dasharray="{dash}"/>"#
    );
}

fn escape(words: &str) -> String {
    words.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_do_not_overlap_and_stay_inside() {
        let places = spread(&[100.0, 101.0, 102.0, 395.0, 399.0], (90.0, 400.0));
        assert!(places.windows(2).all(|pair| pair[1] - pair[0] >= LABEL_HEIGHT));
        assert!(places.iter().all(|place| (90.0..=400.0).contains(place)), "{places:?}");
    }

    #[test]
    fn words_are_escaped() {
        assert_eq!(escape("N <= 8 & more"), "N &lt;= 8 &amp; more");
    }
}
