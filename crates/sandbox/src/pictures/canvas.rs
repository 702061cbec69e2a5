//! A square of pixels in the unit square, x to the right and y up, both from -1 to 1.
//! It mixes colours and writes PNG; it must not know any shape.

/// A colour in sRGB, each channel from 0 to 1.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Colour(pub(crate) [f32; 3]);

impl Colour {
    /// From `0xRRGGBB`.
    #[expect(clippy::cast_possible_truncation, reason = "a channel is one byte")]
    pub(crate) const fn hex(rgb: u32) -> Self {
        Self([(rgb >> 16) as u8 as f32 / 255.0, (rgb >> 8) as u8 as f32 / 255.0, rgb as u8 as f32 / 255.0])
    }

    /// Lit by `light` (1 = as it is, less is darker), with `shine` of white on top.
    pub(crate) fn lit(self, light: f32, shine: f32) -> Self {
        Self(self.0.map(|channel| (channel * light + shine).clamp(0.0, 1.0)))
    }
}

/// Paper: light, and slightly cool so that white objects stand out from it.
const PAPER: Colour = Colour::hex(0x00e9_edf2);

/// The picture while it is drawn.
pub(crate) struct Canvas {
    side: u32,
    pixels: Vec<[f32; 3]>,
}

impl Canvas {
    pub(crate) fn new(side: u32) -> Self {
        Self { side, pixels: vec![PAPER.0; (side * side) as usize] }
    }

    /// Size of a pixel in canvas units: the width of a soft edge.
    #[expect(clippy::cast_precision_loss, reason = "a side is some hundred pixels")]
    pub(crate) fn pixel(&self) -> f32 {
        2.0 / self.side as f32
    }

    /// Paints inside the box `[left, bottom, right, top]`: `shader(x, y)` says how much of the pixel is covered
    /// (0 to 1) and by which colour.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "clamped to the side"
    )]
    pub(crate) fn paint(&mut self, area: [f32; 4], shader: impl Fn(f32, f32) -> (f32, Colour)) {
        let (pixel, side) = (self.pixel(), self.side);
        let column = |x: f32| ((x + 1.0) / pixel).clamp(0.0, side as f32) as u32;
        let [left, bottom, right, top] = area;
        for row in column(-top)..(column(-bottom) + 1).min(side) {
            for col in column(left)..(column(right) + 1).min(side) {
                let (x, y) = ((col as f32 + 0.5) * pixel - 1.0, 1.0 - (row as f32 + 0.5) * pixel);
                let (cover, Colour(colour)) = shader(x, y);
                if cover > 0.0 {
                    let under = &mut self.pixels[(row * side + col) as usize];
                    for (channel, ink) in under.iter_mut().zip(colour) {
                        *channel += (ink - *channel) * cover.min(1.0);
                    }
                }
            }
        }
    }

    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "channels are clamped to 0..1")]
    pub(crate) fn into_png(self) -> Vec<u8> {
        let bytes: Vec<u8> =
            self.pixels.iter().flatten().map(|channel| (channel.clamp(0.0, 1.0) * 255.0).round() as u8).collect();
        let mut png = Vec::new();
        let mut encoder = png::Encoder::new(&mut png, self.side, self.side);
        encoder.set_color(png::ColorType::Rgb);
        encoder.set_depth(png::BitDepth::Eight);
        let mut writer = encoder.write_header().expect("a vector takes every byte");
        writer.write_image_data(&bytes).expect("three bytes a pixel");
        writer.finish().expect("a vector takes every byte");
        png
    }
}
