//! A small baseline JPEG encoder (ITU-T T.81) for thumbnails: a tenth of the bytes of a PNG of the same picture.
//! It must not know what is in the picture; one quality, full colour resolution, standard tables.

use std::sync::OnceLock;

/// Quantisation steps for brightness at quality 50, row by row (T.81, table K.1).
const BRIGHTNESS_STEPS: [u8; 64] = [
    16, 11, 10, 16, 24, 40, 51, 61, 12, 12, 14, 19, 26, 58, 60, 55, 14, 13, 16, 24, 40, 57, 69, 56, 14, 17, 22, 29, 51,
    87, 80, 62, 18, 22, 37, 56, 68, 109, 103, 77, 24, 35, 55, 64, 81, 104, 113, 92, 49, 64, 78, 87, 103, 121, 120, 101,
    72, 92, 95, 98, 112, 100, 103, 99,
];
/// The same for colour (table K.2).
const COLOUR_STEPS: [u8; 64] = [
    17, 18, 24, 47, 99, 99, 99, 99, 18, 21, 26, 66, 99, 99, 99, 99, 24, 26, 56, 99, 99, 99, 99, 99, 47, 66, 99, 99, 99,
    99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99,
    99, 99, 99, 99, 99, 99,
];
/// Steps are scaled to this share (in percent) of quality 50's: 40 is what other encoders call quality 80.
const STEP_PERCENT: u16 = 40;

/// Place in the block of the coefficients in their order of transmission.
const ZIGZAG: [usize; 64] = [
    0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5, 12, 19, 26, 33, 40, 48, 41, 34, 27, 20, 13, 6, 7, 14, 21,
    28, 35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51, 58, 59, 52, 45, 38, 31, 39, 46, 53, 60, 61, 54,
    47, 55, 62, 63,
];

/// A Huffman table as a file holds it: number of codes of each length, then the symbols.
struct Codes {
    lengths: [u8; 16],
    symbols: &'static [u8],
}

/// T.81, table K.3.
const BRIGHTNESS_DC: Codes = Codes {
    lengths: [0, 1, 5, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0],
    symbols: &[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11],
};
/// Table K.4.
const COLOUR_DC: Codes = Codes {
    lengths: [0, 3, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0],
    symbols: &[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11],
};
/// Table K.5.
const BRIGHTNESS_AC: Codes = Codes {
    lengths: [0, 2, 1, 3, 3, 2, 4, 3, 5, 5, 4, 4, 0, 0, 1, 0x7d],
    symbols: &[
        0x01, 0x02, 0x03, 0x00, 0x04, 0x11, 0x05, 0x12, 0x21, 0x31, 0x41, 0x06, 0x13, 0x51, 0x61, 0x07, 0x22, 0x71,
        0x14, 0x32, 0x81, 0x91, 0xa1, 0x08, 0x23, 0x42, 0xb1, 0xc1, 0x15, 0x52, 0xd1, 0xf0, 0x24, 0x33, 0x62, 0x72,
        0x82, 0x09, 0x0a, 0x16, 0x17, 0x18, 0x19, 0x1a, 0x25, 0x26, 0x27, 0x28, 0x29, 0x2a, 0x34, 0x35, 0x36, 0x37,
        0x38, 0x39, 0x3a, 0x43, 0x44, 0x45, 0x46, 0x47, 0x48, 0x49, 0x4a, 0x53, 0x54, 0x55, 0x56, 0x57, 0x58, 0x59,
        0x5a, 0x63, 0x64, 0x65, 0x66, 0x67, 0x68, 0x69, 0x6a, 0x73, 0x74, 0x75, 0x76, 0x77, 0x78, 0x79, 0x7a, 0x83,
        0x84, 0x85, 0x86, 0x87, 0x88, 0x89, 0x8a, 0x92, 0x93, 0x94, 0x95, 0x96, 0x97, 0x98, 0x99, 0x9a, 0xa2, 0xa3,
        0xa4, 0xa5, 0xa6, 0xa7, 0xa8, 0xa9, 0xaa, 0xb2, 0xb3, 0xb4, 0xb5, 0xb6, 0xb7, 0xb8, 0xb9, 0xba, 0xc2, 0xc3,
        0xc4, 0xc5, 0xc6, 0xc7, 0xc8, 0xc9, 0xca, 0xd2, 0xd3, 0xd4, 0xd5, 0xd6, 0xd7, 0xd8, 0xd9, 0xda, 0xe1, 0xe2,
        0xe3, 0xe4, 0xe5, 0xe6, 0xe7, 0xe8, 0xe9, 0xea, 0xf1, 0xf2, 0xf3, 0xf4, 0xf5, 0xf6, 0xf7, 0xf8, 0xf9, 0xfa,
    ],
};
/// Table K.6.
const COLOUR_AC: Codes = Codes {
    lengths: [0, 2, 1, 2, 4, 4, 3, 4, 7, 5, 4, 4, 0, 1, 2, 0x77],
    symbols: &[
        0x00, 0x01, 0x02, 0x03, 0x11, 0x04, 0x05, 0x21, 0x31, 0x06, 0x12, 0x41, 0x51, 0x07, 0x61, 0x71, 0x13, 0x22,
        0x32, 0x81, 0x08, 0x14, 0x42, 0x91, 0xa1, 0xb1, 0xc1, 0x09, 0x23, 0x33, 0x52, 0xf0, 0x15, 0x62, 0x72, 0xd1,
        0x0a, 0x16, 0x24, 0x34, 0xe1, 0x25, 0xf1, 0x17, 0x18, 0x19, 0x1a, 0x26, 0x27, 0x28, 0x29, 0x2a, 0x35, 0x36,
        0x37, 0x38, 0x39, 0x3a, 0x43, 0x44, 0x45, 0x46, 0x47, 0x48, 0x49, 0x4a, 0x53, 0x54, 0x55, 0x56, 0x57, 0x58,
        0x59, 0x5a, 0x63, 0x64, 0x65, 0x66, 0x67, 0x68, 0x69, 0x6a, 0x73, 0x74, 0x75, 0x76, 0x77, 0x78, 0x79, 0x7a,
        0x82, 0x83, 0x84, 0x85, 0x86, 0x87, 0x88, 0x89, 0x8a, 0x92, 0x93, 0x94, 0x95, 0x96, 0x97, 0x98, 0x99, 0x9a,
        0xa2, 0xa3, 0xa4, 0xa5, 0xa6, 0xa7, 0xa8, 0xa9, 0xaa, 0xb2, 0xb3, 0xb4, 0xb5, 0xb6, 0xb7, 0xb8, 0xb9, 0xba,
        0xc2, 0xc3, 0xc4, 0xc5, 0xc6, 0xc7, 0xc8, 0xc9, 0xca, 0xd2, 0xd3, 0xd4, 0xd5, 0xd6, 0xd7, 0xd8, 0xd9, 0xda,
        0xe2, 0xe3, 0xe4, 0xe5, 0xe6, 0xe7, 0xe8, 0xe9, 0xea, 0xf2, 0xf3, 0xf4, 0xf5, 0xf6, 0xf7, 0xf8, 0xf9, 0xfa,
    ],
};

impl Codes {
    /// Code and its length in bits for each symbol.
    fn expand(&self) -> [(u16, u8); 256] {
        let mut table = [(0, 0); 256];
        let mut symbols = self.symbols.iter();
        let mut code = 0_u16;
        for (length, count) in (1..).zip(self.lengths) {
            for symbol in symbols.by_ref().take(usize::from(count)) {
                table[usize::from(*symbol)] = (code, length);
                code += 1;
            }
            code = code.wrapping_shl(1);
        }
        table
    }
}

/// How one kind of component (brightness, colour) is written.
struct Component {
    steps: [f32; 64],
    dc: [(u16, u8); 256],
    ac: [(u16, u8); 256],
}

struct Tables {
    brightness: Component,
    colour: Component,
    cosines: [[f32; 8]; 8],
}

fn tables() -> &'static Tables {
    static TABLES: OnceLock<Tables> = OnceLock::new();
    TABLES.get_or_init(|| {
        let component = |steps: [u8; 64], dc: &Codes, ac: &Codes| Component {
            steps: steps.map(|step| f32::from(scaled(step))),
            dc: dc.expand(),
            ac: ac.expand(),
        };
        let mut cosines = [[0.0; 8]; 8];
        for (frequency, row) in (0_u8..).zip(&mut cosines) {
            let scale = if frequency == 0 { 0.125_f32.sqrt() } else { 0.5 };
            for (place, cosine) in (0_u8..).zip(row) {
                let angle = (2.0 * f32::from(place) + 1.0) * f32::from(frequency) * std::f32::consts::PI / 16.0;
                *cosine = scale * angle.cos();
            }
        }
        Tables {
            brightness: component(BRIGHTNESS_STEPS, &BRIGHTNESS_DC, &BRIGHTNESS_AC),
            colour: component(COLOUR_STEPS, &COLOUR_DC, &COLOUR_AC),
            cosines,
        }
    })
}

fn scaled(step: u8) -> u8 {
    u8::try_from((u16::from(step) * STEP_PERCENT + 50) / 100).unwrap_or(u8::MAX).max(1)
}

/// A picture of `width` × `height` RGB pixels (at least one) as a JPEG file.
pub(crate) fn encode(width: u16, height: u16, rgb: &[u8]) -> Vec<u8> {
    let mut file = header(width, height);
    let tables = tables();
    let (columns, rows) = (usize::from(width), usize::from(height));
    let mut bits = Bits { file: &mut file, pending: 0, count: 0 };
    let mut last = [0; 3];
    for top in (0..rows).step_by(8) {
        for left in (0..columns).step_by(8) {
            let pixels: [[f32; 3]; 64] = std::array::from_fn(|place| {
                // beyond the edge the last row and column are repeated
                let (x, y) = ((left + place % 8).min(columns - 1), (top + place / 8).min(rows - 1));
                let at = (y * columns + x) * 3;
                [rgb[at], rgb[at + 1], rgb[at + 2]].map(f32::from)
            });
            let blocks = [
                pixels.map(|[red, green, blue]| 0.299 * red + 0.587 * green + 0.114 * blue - 128.0),
                pixels.map(|[red, green, blue]| -0.168_736 * red - 0.331_264 * green + 0.5 * blue),
                pixels.map(|[red, green, blue]| 0.5 * red - 0.418_688 * green - 0.081_312 * blue),
            ];
            for (index, (block, last)) in blocks.iter().zip(&mut last).enumerate() {
                let component = if index == 0 { &tables.brightness } else { &tables.colour };
                bits.block(component, &transform(block, &tables.cosines), last);
            }
        }
    }
    bits.finish();
    file.extend([0xff, 0xd9]);
    file
}

/// Everything up to the coded blocks.
fn header(width: u16, height: u16) -> Vec<u8> {
    let mut file = vec![0xff, 0xd8];
    let mut segment = |marker: u8, content: &[u8]| {
        let length = u16::try_from(content.len() + 2).expect("header segments are short");
        file.extend([0xff, marker]);
        file.extend(length.to_be_bytes());
        file.extend(content);
    };
    segment(0xe0, b"JFIF\0\x01\x01\0\0\x01\0\x01\0\0");
    for (number, steps) in (0..).zip([BRIGHTNESS_STEPS, COLOUR_STEPS]) {
        let content: Vec<u8> = std::iter::once(number).chain(ZIGZAG.map(|place| scaled(steps[place]))).collect();
        segment(0xdb, &content);
    }
    let ([high, low], [wide, narrow]) = (height.to_be_bytes(), width.to_be_bytes());
    segment(0xc0, &[8, high, low, wide, narrow, 3, 1, 0x11, 0, 2, 0x11, 1, 3, 0x11, 1]);
    for (class, codes) in [(0x00, BRIGHTNESS_DC), (0x10, BRIGHTNESS_AC), (0x01, COLOUR_DC), (0x11, COLOUR_AC)] {
        let content: Vec<u8> =
            std::iter::once(class).chain(codes.lengths).chain(codes.symbols.iter().copied()).collect();
        segment(0xc4, &content);
    }
    segment(0xda, &[3, 1, 0x00, 2, 0x11, 3, 0x11, 0, 63, 0]);
    file
}

/// The two-dimensional cosine transform of a block.
fn transform(block: &[f32; 64], cosines: &[[f32; 8]; 8]) -> [f32; 64] {
    let mut half = [0.0; 64];
    for row in 0..8 {
        for (frequency, cosine) in cosines.iter().enumerate() {
            half[row * 8 + frequency] = (0..8).map(|x| block[row * 8 + x] * cosine[x]).sum();
        }
    }
    let mut whole = [0.0; 64];
    for column in 0..8 {
        for (frequency, cosine) in cosines.iter().enumerate() {
            whole[frequency * 8 + column] = (0..8).map(|y| half[y * 8 + column] * cosine[y]).sum();
        }
    }
    whole
}

/// Writes codes bit by bit, with the zero byte that must follow each 0xff.
struct Bits<'file> {
    file: &'file mut Vec<u8>,
    pending: u32,
    count: u8,
}

impl Bits<'_> {
    fn put(&mut self, value: u16, length: u8) {
        self.pending = (self.pending << length) | u32::from(value);
        self.count += length;
        while self.count >= 8 {
            self.count -= 8;
            let byte = u8::try_from((self.pending >> self.count) & 0xff).expect("eight bits");
            self.file.push(byte);
            if byte == 0xff {
                self.file.push(0);
            }
        }
        self.pending &= (1 << self.count) - 1;
    }

    fn block(&mut self, component: &Component, coefficients: &[f32; 64], last: &mut i16) {
        let mut levels = ZIGZAG.map(|place| level(coefficients[place] / component.steps[place]));
        let first = levels[0];
        levels[0] = 0;
        let (size, bits) = magnitude(first - *last);
        *last = first;
        let (code, length) = component.dc[usize::from(size)];
        self.put(code, length);
        self.put(bits, size);
        let end = levels.iter().rposition(|level| *level != 0).map_or(1, |place| place + 1);
        let mut zeros = 0;
        for level in &levels[1..end.max(1)] {
            if *level == 0 {
                zeros += 1;
                continue;
            }
            while zeros >= 16 {
                let (code, length) = component.ac[0xf0];
                self.put(code, length);
                zeros -= 16;
            }
            let (size, bits) = magnitude(*level);
            let (code, length) = component.ac[usize::from(zeros * 16 + size)];
            self.put(code, length);
            self.put(bits, size);
            zeros = 0;
        }
        if end < 64 {
            let (code, length) = component.ac[0];
            self.put(code, length);
        }
    }

    fn finish(&mut self) {
        let rest = (8 - self.count) % 8;
        self.put((1 << rest) - 1, rest);
    }
}

/// The nearest whole number; coefficients of 8-bit pixels stay within ±1024.
fn level(value: f32) -> i16 {
    #[expect(clippy::cast_possible_truncation, reason = "a cast of a float saturates, and the range is ±1024")]
    let level = value.round() as i16;
    level
}

/// Number of bits a value needs and those bits (T.81, table F.1: negative values are written less one).
fn magnitude(value: i16) -> (u8, u16) {
    let size = u8::try_from(16 - value.unsigned_abs().leading_zeros()).expect("at most 16 bits");
    let bits = if value < 0 { value - 1 } else { value };
    (size, bits.cast_unsigned() & ((1 << size) - 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Mean squared error of a picture after encoding and decoding, rounded down.
    fn error_of(width: u16, height: u16, rgb: &[u8]) -> u64 {
        let file = encode(width, height, rgb);
        let mut decoder = zune_jpeg::JpegDecoder::new(std::io::Cursor::new(&file));
        let again = decoder.decode().unwrap();
        assert_eq!(decoder.dimensions(), Some((usize::from(width), usize::from(height))));
        assert_eq!(again.len(), rgb.len());
        let squares: u64 = rgb.iter().zip(&again).map(|(one, other)| u64::from(one.abs_diff(*other)).pow(2)).sum();
        squares / rgb.len() as u64
    }

    fn picture(width: u16, height: u16, pixel: impl Fn(u16, u16) -> [u8; 3]) -> Vec<u8> {
        (0..height).flat_map(|y| (0..width).map(move |x| (x, y))).flat_map(|(x, y)| pixel(x, y)).collect()
    }

    fn byte(part: u16, whole: u16) -> u8 {
        u8::try_from(u32::from(part) * 255 / u32::from(whole)).unwrap()
    }

    #[test]
    fn smooth_pictures_of_odd_sizes_survive() {
        for (width, height) in [(1, 1), (8, 8), (17, 9), (64, 33), (160, 160)] {
            let rgb = picture(width, height, |x, y| [byte(x, width), byte(y, height), byte(width - x, width)]);
            let error = error_of(width, height, &rgb);
            assert!(error < 12, "{width}x{height}: {error}");
        }
    }

    #[test]
    fn extremes_stay_in_range() {
        let noise =
            picture(64, 64, |x, y| if (x * 31 + y * 17).is_multiple_of(3) { [255, 0, 255] } else { [0, 255, 0] });
        assert!(error_of(64, 64, &noise) < 2500, "hard edges lose, but nothing overflows");
        for shade in [0, 255] {
            assert_eq!(error_of(40, 24, &vec![shade; 40 * 24 * 3]), 0);
        }
    }

    #[test]
    fn thumbnails_are_small() {
        let disc = picture(160, 160, |x, y| {
            let inside = x.abs_diff(80).pow(2) + y.abs_diff(80).pow(2) < 60 * 60;
            if inside { [200, byte(x, 160), byte(y, 160)] } else { [255; 3] }
        });
        assert!(encode(160, 160, &disc).len() < 6000);
    }
}
