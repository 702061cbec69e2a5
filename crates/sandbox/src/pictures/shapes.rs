//! The solids that the pictures are made of, seen from the front and slightly above, lit from the upper left.
//! It knows light and outline; it must not know which object a solid belongs to.

use super::canvas::{Canvas, Colour};

/// How far circles that lie flat open towards the viewer: minor over major axis.
const TILT: f32 = 0.2;
/// Towards the light, of length one.
const LIGHT: [f32; 3] = [-0.45, 0.56, 0.696];

/// What covers a surface: one colour, or bands of colours from the bottom up (each begins at its height).
#[derive(Clone, Copy)]
pub(crate) enum Paint {
    Plain(u32),
    Bands(&'static [(f32, u32)]),
}

impl Paint {
    fn at(self, height: f32) -> Colour {
        match self {
            Self::Plain(rgb) => Colour::hex(rgb),
            Self::Bands(bands) => {
                let band = bands.iter().rev().find(|(from, _)| height >= *from).or(bands.first());
                Colour::hex(band.map_or(0, |(_, rgb)| *rgb))
            }
        }
    }
}

/// Light on a surface with this normal (of any length): a soft diffuse term and a small highlight.
fn shade(colour: Colour, [x, y, z]: [f32; 3]) -> Colour {
    let length = (x * x + y * y + z * z).sqrt().max(1e-6);
    let facing = (x * LIGHT[0] + y * LIGHT[1] + z * LIGHT[2]) / length;
    let highlight = facing.max(0.0).powi(24) * 0.16;
    colour.lit(0.62 + 0.42 * facing.max(-0.3), highlight)
}

impl Canvas {
    /// The faint shadow that an object `width` wide throws on the ground at height `y`.
    pub(crate) fn shadow(&mut self, x: f32, y: f32, width: f32) {
        let (wide, high) = (width * 0.75, width * 0.16);
        self.paint([x - wide, y - high, x + wide, y + high], |px, py| {
            let far = ((px - x) / wide).powi(2) + ((py - y) / high).powi(2);
            ((1.0 - far).max(0.0).powi(2) * 0.09, Colour::hex(0x3a_3f4a))
        });
    }

    /// A solid turned around the upright axis at `x`: `profile` holds (height, radius) from the bottom up.
    /// The flat top shows `lid`.
    pub(crate) fn turned(&mut self, x: f32, profile: &[(f32, f32)], paint: Paint, lid: u32) {
        let (Some(&(bottom, low)), Some(&(top, high))) = (profile.first(), profile.last()) else { return };
        let widest = profile.iter().fold(0.0_f32, |widest, (_, radius)| widest.max(*radius));
        let body = |px: f32, py: f32| {
            let across = px - x;
            let mut height = py;
            for _ in 0..3 {
                let radius = radius_at(profile, height);
                height = py + TILT * (radius * radius - across * across).max(0.0).sqrt();
            }
            let radius = radius_at(profile, height);
            let inside = (radius - across.abs()).min(top - height).min(height - bottom);
            // Measured over a stretch, so that light runs smoothly over a profile of straight pieces.
            let slope = (radius_at(profile, height + 0.06) - radius_at(profile, height - 0.06)) / 0.12;
            let turn = (across / radius.max(1e-3)).clamp(-1.0, 1.0);
            (inside, shade(paint.at(height), [turn, -slope.clamp(-2.0, 2.0), (1.0 - turn * turn).sqrt()]))
        };
        let area = [x - widest - 0.02, bottom - TILT * low - 0.02, x + widest + 0.02, top + TILT * high + 0.02];
        let soft = self.pixel();
        self.paint(area, |px, py| {
            let (inside, colour) = body(px, py);
            ((inside / soft + 0.5).clamp(0.0, 1.0), colour)
        });
        self.disc(x, top, high, lid);
    }

    /// A flat disc that lies at height `y`, seen at the tilt of all pictures.
    pub(crate) fn disc(&mut self, x: f32, y: f32, radius: f32, rgb: u32) {
        if radius <= 0.01 {
            return;
        }
        let soft = self.pixel();
        self.paint([x - radius, y - radius * TILT, x + radius, y + radius * TILT], |px, py| {
            let far = ((px - x).powi(2) + ((py - y) / TILT).powi(2)).sqrt();
            let inside = (radius - far) * TILT.max((px - x).abs() / radius);
            ((inside / soft + 0.5).clamp(0.0, 1.0), shade(Colour::hex(rgb), [0.0, 1.0, 0.35]))
        });
    }

    /// A ball stretched to half-axes `wide` and `high`.
    pub(crate) fn ball(&mut self, x: f32, y: f32, wide: f32, high: f32, paint: Paint) {
        let small = wide.min(high);
        let soft = self.pixel();
        self.paint([x - wide - 0.01, y - high - 0.01, x + wide + 0.01, y + high + 0.01], |px, py| {
            let (u, v) = ((px - x) / wide, (py - y) / high);
            let far = (u * u + v * v).sqrt();
            let colour = shade(paint.at(py), [u / wide * small, v / high * small, (1.0 - far * far).max(0.0).sqrt()]);
            (((1.0 - far) * small / soft + 0.5).clamp(0.0, 1.0), colour)
        });
    }

    /// A round rod from one point to another, its radius running from `from.2` to `to.2`.
    pub(crate) fn rod(&mut self, from: (f32, f32, f32), to: (f32, f32, f32), rgb: u32) {
        let (along, up) = (to.0 - from.0, to.1 - from.1);
        let length = (along * along + up * up).max(1e-6);
        let thick = from.2.max(to.2) + 0.01;
        let area =
            [from.0.min(to.0) - thick, from.1.min(to.1) - thick, from.0.max(to.0) + thick, from.1.max(to.1) + thick];
        let soft = self.pixel();
        self.paint(area, |px, py| {
            let share = (((px - from.0) * along + (py - from.1) * up) / length).clamp(0.0, 1.0);
            let radius = from.2 + (to.2 - from.2) * share;
            let (dx, dy) = (px - from.0 - along * share, py - from.1 - up * share);
            let far = (dx * dx + dy * dy).sqrt();
            let (u, v) = (dx / radius, dy / radius);
            let colour = shade(Colour::hex(rgb), [u, v, (1.0 - u * u - v * v).max(0.0).sqrt()]);
            (((radius - far) / soft + 0.5).clamp(0.0, 1.0), colour)
        });
    }

    /// A bent rod through all `points`.
    pub(crate) fn wire(&mut self, points: &[(f32, f32)], radius: f32, rgb: u32) {
        for pair in points.windows(2) {
            self.rod((pair[0].0, pair[0].1, radius), (pair[1].0, pair[1].1, radius), rgb);
        }
    }

    /// A ring seen from the front, such as a handle: middle of the tube at half-axes `wide` and `high`.
    pub(crate) fn ring(&mut self, x: f32, y: f32, (wide, high): (f32, f32), tube: f32, rgb: u32) {
        let points: Vec<_> = (0_u8..=48)
            .map(|step| {
                let (sine, cosine) = (f32::from(step) / 24.0 * std::f32::consts::PI).sin_cos();
                (x + wide * cosine, y + high * sine)
            })
            .collect();
        self.wire(&points, tube, rgb);
    }

    /// A flat convex face with corners in counter-clockwise order, lit as if turned towards `normal`.
    pub(crate) fn face(&mut self, corners: &[(f32, f32)], rgb: u32, normal: [f32; 3]) {
        let colour = shade(Colour::hex(rgb), normal);
        let spread = |pick: fn(&(f32, f32)) -> f32| {
            corners.iter().map(pick).fold((f32::MAX, f32::MIN), |(low, high), value| (low.min(value), high.max(value)))
        };
        let ((left, right), (bottom, top)) = (spread(|corner| corner.0), spread(|corner| corner.1));
        let inside = |px: f32, py: f32| {
            let next = corners.iter().cycle().skip(1);
            corners.iter().zip(next).fold(f32::MAX, |inside, (from, to)| {
                let (dx, dy) = (to.0 - from.0, to.1 - from.1);
                let distance = (dx * (py - from.1) - dy * (px - from.0)) / (dx * dx + dy * dy).sqrt().max(1e-6);
                inside.min(distance)
            })
        };
        let soft = self.pixel();
        self.paint([left, bottom, right, top], |px, py| {
            let fade = 0.04 * (py - bottom) / (top - bottom).max(0.01);
            ((inside(px, py) / soft + 0.5).clamp(0.0, 1.0), colour.lit(0.98 + fade, 0.0))
        });
    }

    /// An upright block with its front between two corners, `deep` to the back (drawn up and to the right).
    pub(crate) fn block(&mut self, (left, bottom): (f32, f32), (right, top): (f32, f32), deep: f32, rgb: u32) {
        let (dx, dy) = (deep * 0.55, deep * 0.4);
        self.face(
            &[(right, bottom), (right + dx, bottom + dy), (right + dx, top + dy), (right, top)],
            rgb,
            [1.0, 0.0, 0.4],
        );
        self.face(&[(left, top), (right, top), (right + dx, top + dy), (left + dx, top + dy)], rgb, [0.0, 1.0, 0.35]);
        self.face(&[(left, bottom), (right, bottom), (right, top), (left, top)], rgb, [-0.1, 0.1, 1.0]);
    }
}

/// The radius at a height: straight between the profile's points, constant beyond its ends.
fn radius_at(profile: &[(f32, f32)], height: f32) -> f32 {
    let after = profile.partition_point(|(at, _)| *at <= height);
    match (after.checked_sub(1).and_then(|before| profile.get(before)), profile.get(after)) {
        (Some(&(low, narrow)), Some(&(high, wide))) => {
            narrow + (wide - narrow) * ((height - low) / (high - low).max(1e-6))
        }
        (Some(&(_, radius)), None) | (None, Some(&(_, radius))) => radius,
        (None, None) => 0.0,
    }
}
