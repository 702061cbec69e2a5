//! Small pictures for tests of the scripted judge, drawn here so that none has to be kept.
//! It must not know how the script looks at them.

/// Edge of a drawing in pixels.
const EDGE: usize = 160;

#[derive(Clone, Copy)]
enum Shape {
    Disc,
    Bar,
    Nothing,
}

/// An object of one colour on one background.
#[derive(Clone, Copy)]
pub(crate) struct Drawing {
    shape: Shape,
    colour: [u8; 3],
    background: [u8; 3],
    centre: (usize, usize),
    radius: usize,
}

impl Drawing {
    fn new(shape: Shape, colour: [u8; 3]) -> Self {
        Self { shape, colour, background: [255; 3], centre: (EDGE / 2, EDGE / 2), radius: 50 }
    }

    pub(crate) fn disc(colour: [u8; 3]) -> Self {
        Self::new(Shape::Disc, colour)
    }

    /// A standing bar, a fifth as wide as tall.
    pub(crate) fn bar(colour: [u8; 3]) -> Self {
        Self::new(Shape::Bar, colour)
    }

    pub(crate) fn empty() -> Self {
        Self::new(Shape::Nothing, [0; 3])
    }

    pub(crate) fn on(self, background: [u8; 3]) -> Self {
        Self { background, ..self }
    }

    pub(crate) fn at(self, x: usize, y: usize, radius: usize) -> Self {
        Self { centre: (x, y), radius, ..self }
    }

    fn pixel(&self, x: usize, y: usize) -> [u8; 3] {
        let (dx, dy) = (x.abs_diff(self.centre.0), y.abs_diff(self.centre.1));
        let inside = match self.shape {
            Shape::Disc => dx * dx + dy * dy <= self.radius * self.radius,
            Shape::Bar => dx <= self.radius / 5 && dy <= self.radius,
            Shape::Nothing => false,
        };
        if inside { self.colour } else { self.background }
    }

    /// The drawing as a PNG file.
    pub(crate) fn png(&self) -> Vec<u8> {
        encode(EDGE, |x, y| self.pixel(x, y))
    }

    /// Four times the drawing with a black gap between, as the renderer's grids are.
    pub(crate) fn grid(&self, gap: usize) -> Vec<u8> {
        let tile = |place: usize| if place < EDGE { Some(place) } else { place.checked_sub(EDGE + gap) };
        encode(2 * EDGE + gap, |x, y| match (tile(x), tile(y)) {
            (Some(x), Some(y)) => self.pixel(x, y),
            _ => [0; 3],
        })
    }
}

fn encode(edge: usize, pixel: impl Fn(usize, usize) -> [u8; 3]) -> Vec<u8> {
    let size = u32::try_from(edge).expect("a small picture");
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, size, size);
    encoder.set_color(png::ColorType::Rgb);
    let pixels: Vec<u8> = (0..edge * edge).flat_map(|index| pixel(index % edge, index / edge)).collect();
    encoder.write_header().and_then(|mut writer| writer.write_image_data(&pixels)).expect("writing to memory");
    file
}
