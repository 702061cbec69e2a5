//! The 32 objects, each a short recipe of solids.
//! It holds taste and proportions only; how a solid is drawn is said in `shapes`.

use super::Picture;
use super::canvas::Canvas;
use super::shapes::Paint::{Bands, Plain};

const fn picture(stem: &'static str, draw: fn(&mut Canvas)) -> Picture {
    Picture { stem, draw }
}

/// Every picture, in the order of the prompts file.
pub const PICTURES: [Picture; 32] = [
    picture("lamp", lamp),
    picture("vase", vase),
    picture("chair", chair),
    picture("table", table),
    picture("tower", tower),
    picture("mushroom", mushroom),
    picture("bottle", bottle),
    picture("teapot", teapot),
    picture("cactus", cactus),
    picture("snowman", snowman),
    picture("rocket", rocket),
    picture("candle", candle),
    picture("goblet", goblet),
    picture("pine", pine),
    picture("lighthouse", lighthouse),
    picture("stool", stool),
    picture("bell", bell),
    picture("hourglass", hourglass),
    picture("acorn", acorn),
    picture("pear", pear),
    picture("apple", apple),
    picture("icecream", ice_cream),
    picture("cupcake", cupcake),
    picture("pawn", pawn),
    picture("rook", rook),
    picture("lantern", lantern),
    picture("barrel", barrel),
    picture("flowerpot", flowerpot),
    picture("umbrella", umbrella),
    picture("mug", mug),
    picture("house", house),
    picture("balloon", balloon),
];

fn lamp(canvas: &mut Canvas) {
    canvas.shadow(0.0, -0.78, 0.5);
    canvas.turned(0.0, &[(-0.78, 0.3), (-0.72, 0.3), (-0.66, 0.12), (-0.5, 0.07)], Plain(0x2f_4858), 0x2f_4858);
    canvas.turned(0.0, &[(-0.52, 0.05), (0.2, 0.045)], Plain(0xb0_8d3c), 0xb0_8d3c);
    canvas.turned(
        0.0,
        &[(0.08, 0.5), (0.72, 0.26)],
        Bands(&[(0.08, 0xc4_6a1b), (0.13, 0xf2_a541), (0.67, 0xc4_6a1b)]),
        0xff_e3a8,
    );
}

fn vase(canvas: &mut Canvas) {
    canvas.shadow(0.0, -0.76, 0.45);
    let profile = [
        (-0.76, 0.2),
        (-0.6, 0.31),
        (-0.4, 0.41),
        (-0.2, 0.45),
        (0.0, 0.43),
        (0.2, 0.34),
        (0.38, 0.22),
        (0.5, 0.16),
        (0.6, 0.17),
        (0.7, 0.25),
    ];
    let glaze =
        Bands(&[(-1.0, 0x1f_4e79), (-0.36, 0xe8_c468), (-0.28, 0x2e_75b6), (0.06, 0xe8_c468), (0.12, 0x1f_4e79)]);
    canvas.turned(0.0, &profile, glaze, 0x14_3350);
}

fn chair(canvas: &mut Canvas) {
    canvas.shadow(0.05, -0.78, 0.55);
    for (x, foot) in [(-0.2, -0.68), (0.46, -0.68)] {
        canvas.rod((x, -0.1, 0.04), (x, foot, 0.035), 0x5c_3a21);
    }
    canvas.block((-0.26, 0.02), (-0.16, 0.8), 0.06, 0x7a_4a26);
    canvas.block((0.4, 0.02), (0.5, 0.8), 0.06, 0x7a_4a26);
    canvas.block((-0.18, 0.5), (0.42, 0.74), 0.05, 0x9c_6233);
    canvas.block((-0.18, 0.2), (0.42, 0.34), 0.05, 0x9c_6233);
    canvas.block((-0.42, -0.12), (0.34, 0.0), 0.42, 0xb5_3f3a);
    canvas.rod((-0.36, -0.14, 0.045), (-0.36, -0.78, 0.04), 0x7a_4a26);
    canvas.rod((0.28, -0.14, 0.045), (0.28, -0.78, 0.04), 0x7a_4a26);
}

fn table(canvas: &mut Canvas) {
    canvas.shadow(0.0, -0.52, 0.85);
    for x in [-0.4, 0.4] {
        canvas.rod((x * 0.8, 0.1, 0.045), (x, -0.42, 0.035), 0x6b_4226);
    }
    canvas.turned(0.0, &[(0.2, 0.8), (0.3, 0.82)], Plain(0xa9_6b38), 0xc9_8a4e);
    for x in [-0.52, 0.52] {
        canvas.rod((x * 0.95, 0.06, 0.055), (x * 1.15, -0.52, 0.04), 0x8a_5730);
    }
}

fn tower(canvas: &mut Canvas) {
    canvas.shadow(0.0, -0.82, 0.5);
    let stone =
        Bands(&[(-1.0, 0x7d_7468), (-0.5, 0x95_8b7d), (-0.44, 0x7d_7468), (-0.06, 0x95_8b7d), (0.0, 0x7d_7468)]);
    canvas.turned(0.0, &[(-0.82, 0.34), (-0.7, 0.3), (0.3, 0.26), (0.34, 0.34), (0.48, 0.34)], stone, 0x5d_564c);
    canvas.turned(0.0, &[(0.46, 0.38), (0.9, 0.01)], Plain(0xa8_3232), 0xa8_3232);
    canvas.ball(0.0, 0.12, 0.06, 0.1, Plain(0x2b_2622));
    canvas.ball(-0.1, -0.3, 0.05, 0.09, Plain(0x2b_2622));
}

fn mushroom(canvas: &mut Canvas) {
    canvas.shadow(0.0, -0.7, 0.45);
    canvas.turned(0.0, &[(-0.7, 0.24), (-0.5, 0.2), (-0.1, 0.16), (0.1, 0.18)], Plain(0xd9_c7a0), 0xd9_c7a0);
    let cap = [(0.0, 0.56), (0.06, 0.6), (0.18, 0.58), (0.34, 0.48), (0.48, 0.33), (0.58, 0.17), (0.62, 0.02)];
    canvas.turned(0.0, &cap, Bands(&[(-1.0, 0xa8_1e1e), (0.06, 0xc9_2a2a)]), 0xc9_2a2a);
    for (x, y, size) in
        [(-0.32, 0.16, 0.07), (0.06, 0.3, 0.09), (0.36, 0.12, 0.06), (-0.12, 0.46, 0.05), (-0.02, 0.02, 0.05)]
    {
        canvas.ball(x, y, size, size * 0.8, Plain(0xf0_cf98));
    }
}

fn bottle(canvas: &mut Canvas) {
    canvas.shadow(0.0, -0.82, 0.36);
    let profile = [(-0.82, 0.25), (-0.78, 0.28), (0.05, 0.28), (0.2, 0.24), (0.34, 0.13), (0.42, 0.09), (0.72, 0.085)];
    canvas.turned(0.0, &profile, Bands(&[(-1.0, 0x1e_5b3a), (-0.5, 0xe9_dcae), (-0.12, 0x1e_5b3a)]), 0x1e_5b3a);
    canvas.turned(0.0, &[(0.66, 0.1), (0.84, 0.095)], Plain(0x9c_6b3f), 0xb9_8756);
}

fn teapot(canvas: &mut Canvas) {
    canvas.shadow(0.0, -0.5, 0.7);
    canvas.ring(-0.52, 0.02, (0.22, 0.26), 0.05, 0x2a_7f86);
    canvas.rod((0.36, -0.2, 0.12), (0.82, 0.28, 0.055), 0x2a_7f86);
    let profile = [(-0.5, 0.3), (-0.42, 0.42), (-0.2, 0.52), (0.0, 0.53), (0.18, 0.44), (0.3, 0.28)];
    canvas.turned(0.0, &profile, Bands(&[(-1.0, 0x2a_7f86), (-0.1, 0xf0_d9a0), (-0.02, 0x36_9aa2)]), 0x2a_7f86);
    canvas.turned(0.0, &[(0.3, 0.27), (0.38, 0.18), (0.42, 0.05)], Plain(0x2a_7f86), 0x2a_7f86);
    canvas.ball(0.0, 0.48, 0.07, 0.07, Plain(0xd9_a441));
}

fn cactus(canvas: &mut Canvas) {
    canvas.shadow(0.0, -0.8, 0.4);
    canvas.wire(&[(0.1, -0.05), (0.36, 0.0), (0.4, 0.12), (0.4, 0.36)], 0.09, 0x3f_8f4f);
    canvas.wire(&[(-0.1, 0.12), (-0.34, 0.16), (-0.38, 0.26), (-0.38, 0.5)], 0.085, 0x3f_8f4f);
    canvas.rod((0.0, -0.4, 0.17), (0.0, 0.66, 0.15), 0x4a_a35c);
    canvas.turned(0.0, &[(-0.8, 0.22), (-0.5, 0.3), (-0.48, 0.34), (-0.38, 0.34)], Plain(0xb8_5c38), 0x5a_3a28);
    canvas.rod((0.0, -0.36, 0.16), (0.0, -0.2, 0.165), 0x4a_a35c);
    canvas.ball(0.0, 0.82, 0.07, 0.06, Plain(0xe0_5a8c));
}

fn snowman(canvas: &mut Canvas) {
    canvas.shadow(0.0, -0.84, 0.5);
    canvas.wire(&[(-0.24, 0.08), (-0.52, 0.26), (-0.66, 0.24)], 0.025, 0x5c_4030);
    canvas.wire(&[(0.24, 0.08), (0.52, 0.26), (0.62, 0.36)], 0.025, 0x5c_4030);
    canvas.ball(0.0, -0.5, 0.38, 0.36, Plain(0xa9_c8e6));
    canvas.ball(0.0, 0.02, 0.28, 0.27, Plain(0xb2_cfea));
    canvas.ball(0.0, 0.4, 0.2, 0.2, Plain(0xba_d5ee));
    canvas.turned(0.0, &[(0.2, 0.2), (0.28, 0.19)], Plain(0xc0_392b), 0xba_d5ee);
    canvas.turned(0.0, &[(0.56, 0.27), (0.6, 0.27)], Plain(0x2b_2b33), 0x2b_2b33);
    canvas.turned(0.0, &[(0.6, 0.17), (0.86, 0.16)], Bands(&[(-1.0, 0xc0_392b), (0.68, 0x2b_2b33)]), 0x3a_3a44);
    canvas.rod((0.0, 0.4, 0.04), (0.12, 0.36, 0.01), 0xe6_7e22);
    for (x, y) in [(-0.07, 0.46), (0.07, 0.46), (0.0, 0.1), (0.0, 0.0), (0.0, -0.1)] {
        canvas.ball(x, y, 0.025, 0.025, Plain(0x20_2024));
    }
}

fn rocket(canvas: &mut Canvas) {
    canvas.shadow(0.0, -0.84, 0.4);
    canvas.face(&[(-0.2, -0.3), (-0.46, -0.8), (-0.16, -0.62)], 0xc0_3030, [-0.6, 0.2, 0.7]);
    canvas.face(&[(0.2, -0.3), (0.16, -0.62), (0.46, -0.8)], 0xc0_3030, [0.6, 0.2, 0.7]);
    canvas.turned(0.0, &[(-0.84, 0.1), (-0.68, 0.15)], Plain(0x44_4a55), 0x44_4a55);
    let profile = [(-0.7, 0.17), (-0.4, 0.24), (0.0, 0.27), (0.3, 0.24), (0.55, 0.16), (0.75, 0.07), (0.86, 0.005)];
    canvas.turned(
        0.0,
        &profile,
        Bands(&[(-1.0, 0xa7_b0bd), (-0.52, 0xc0_3030), (-0.44, 0xa7_b0bd), (0.42, 0xc0_3030)]),
        0xc0_3030,
    );
    canvas.ball(0.0, 0.14, 0.12, 0.12, Plain(0x37_3f4d));
    canvas.ball(0.0, 0.14, 0.085, 0.085, Plain(0x4f_b3e8));
}

fn candle(canvas: &mut Canvas) {
    canvas.shadow(0.0, -0.72, 0.55);
    canvas.ring(0.52, -0.56, (0.13, 0.1), 0.035, 0xb8_902f);
    canvas.turned(0.0, &[(-0.72, 0.3), (-0.64, 0.46), (-0.6, 0.48)], Plain(0xb8_902f), 0xd9_b24c);
    canvas.turned(0.0, &[(-0.6, 0.19), (-0.46, 0.19)], Plain(0xb8_902f), 0xd9_b24c);
    canvas.turned(0.0, &[(-0.5, 0.15), (0.36, 0.145)], Bands(&[(-1.0, 0xb0_4a5a), (0.3, 0xc8_6070)]), 0xd8_7a88);
    canvas.rod((0.0, 0.36, 0.015), (0.0, 0.46, 0.012), 0x33_2a24);
    canvas.rod((0.0, 0.5, 0.075), (0.0, 0.74, 0.012), 0xf2_8c1e);
    canvas.rod((0.0, 0.5, 0.04), (0.0, 0.6, 0.01), 0xff_d75e);
}

fn goblet(canvas: &mut Canvas) {
    canvas.shadow(0.0, -0.78, 0.45);
    let profile = [
        (-0.78, 0.34),
        (-0.74, 0.32),
        (-0.66, 0.12),
        (-0.5, 0.06),
        (-0.34, 0.1),
        (-0.26, 0.06),
        (-0.1, 0.07),
        (0.0, 0.22),
        (0.16, 0.36),
        (0.4, 0.41),
        (0.74, 0.38),
    ];
    canvas.turned(0.0, &profile, Bands(&[(-1.0, 0xc7_9a2e), (0.3, 0x8a_1f3d), (0.42, 0xc7_9a2e)]), 0x5a_1022);
}

fn pine(canvas: &mut Canvas) {
    canvas.shadow(0.0, -0.84, 0.45);
    canvas.turned(0.0, &[(-0.84, 0.1), (-0.5, 0.09)], Plain(0x6b_4429), 0x6b_4429);
    for (bottom, top, wide, green) in [
        (-0.56, 0.0, 0.56, 0x1f_5a36),
        (-0.2, 0.36, 0.44, 0x27_6b41),
        (0.14, 0.68, 0.32, 0x30_7d4d),
        (0.46, 0.9, 0.2, 0x3a_8f5a),
    ] {
        canvas.turned(0.0, &[(bottom, wide), (top, 0.02)], Plain(green), green);
    }
}

fn lighthouse(canvas: &mut Canvas) {
    canvas.shadow(0.0, -0.84, 0.45);
    canvas.turned(0.0, &[(-0.84, 0.42), (-0.7, 0.38)], Plain(0x6f_6a64), 0x85_8079);
    let stripes = Bands(&[(-1.0, 0xc2_2f2f), (-0.42, 0xcf_d6de), (-0.14, 0xc2_2f2f), (0.14, 0xcf_d6de)]);
    canvas.turned(0.0, &[(-0.7, 0.28), (0.38, 0.18)], stripes, 0x3a_3f47);
    canvas.turned(0.0, &[(0.38, 0.25), (0.44, 0.25)], Plain(0x3a_3f47), 0x50_5660);
    canvas.turned(0.0, &[(0.44, 0.14), (0.64, 0.14)], Plain(0xf7_cf52), 0xf7_cf52);
    canvas.turned(0.0, &[(0.64, 0.2), (0.84, 0.01)], Plain(0xc2_2f2f), 0xc2_2f2f);
}

fn stool(canvas: &mut Canvas) {
    canvas.shadow(0.0, -0.74, 0.55);
    canvas.rod((-0.2, 0.2, 0.045), (-0.3, -0.6, 0.035), 0x8b_5a2b);
    canvas.rod((0.2, 0.2, 0.045), (0.3, -0.6, 0.035), 0x8b_5a2b);
    canvas.rod((-0.36, -0.2, 0.028), (0.36, -0.2, 0.028), 0x6e_4520);
    canvas.rod((-0.32, 0.2, 0.05), (-0.48, -0.74, 0.04), 0xa0_6b35);
    canvas.rod((0.32, 0.2, 0.05), (0.48, -0.74, 0.04), 0xa0_6b35);
    canvas.turned(0.0, &[(0.18, 0.48), (0.24, 0.5), (0.34, 0.5)], Plain(0x2f_6f8f), 0x3f_8fb5);
}

fn bell(canvas: &mut Canvas) {
    canvas.shadow(0.0, -0.64, 0.6);
    canvas.ball(0.0, -0.58, 0.11, 0.11, Plain(0x6a_4a12));
    let profile = [(-0.5, 0.56), (-0.42, 0.52), (-0.3, 0.42), (0.0, 0.35), (0.28, 0.31), (0.46, 0.22), (0.56, 0.08)];
    canvas.turned(
        0.0,
        &profile,
        Bands(&[(-1.0, 0xb0_7f1a), (-0.38, 0xd4_a12a), (-0.02, 0xb0_7f1a), (0.04, 0xd4_a12a)]),
        0xd4_a12a,
    );
    canvas.ring(0.0, 0.66, (0.1, 0.1), 0.035, 0xb0_7f1a);
}

fn hourglass(canvas: &mut Canvas) {
    canvas.shadow(0.0, -0.78, 0.5);
    canvas.rod((-0.36, -0.64, 0.035), (-0.36, 0.66, 0.035), 0x6a_3d1f);
    canvas.rod((0.36, -0.64, 0.035), (0.36, 0.66, 0.035), 0x6a_3d1f);
    let glass = [(-0.66, 0.26), (-0.4, 0.27), (-0.15, 0.14), (0.0, 0.035), (0.15, 0.14), (0.4, 0.27), (0.66, 0.26)];
    canvas.turned(
        0.0,
        &glass,
        Bands(&[(-1.0, 0xd9_a85a), (-0.34, 0x9f_c4d6), (0.02, 0xd9_a85a), (0.28, 0x9f_c4d6)]),
        0x9f_c4d6,
    );
    canvas.turned(0.0, &[(-0.78, 0.46), (-0.66, 0.44)], Plain(0x84_4f2a), 0x9a_6136);
    canvas.turned(0.0, &[(0.66, 0.44), (0.78, 0.46)], Plain(0x84_4f2a), 0x9a_6136);
}

fn acorn(canvas: &mut Canvas) {
    canvas.shadow(0.0, -0.72, 0.35);
    let nut = [(-0.74, 0.02), (-0.68, 0.1), (-0.5, 0.27), (-0.25, 0.38), (0.1, 0.42)];
    canvas.turned(0.0, &nut, Plain(0xb5_7a35), 0xb5_7a35);
    let cap = [(0.02, 0.48), (0.12, 0.53), (0.28, 0.5), (0.42, 0.38), (0.52, 0.2), (0.56, 0.05)];
    canvas.turned(
        0.0,
        &cap,
        Bands(&[(-1.0, 0x4f_3319), (0.14, 0x66_4322), (0.28, 0x4f_3319), (0.42, 0x66_4322)]),
        0x66_4322,
    );
    canvas.rod((0.0, 0.54, 0.05), (0.06, 0.76, 0.04), 0x4f_3319);
}

fn pear(canvas: &mut Canvas) {
    canvas.shadow(0.0, -0.72, 0.45);
    canvas.rod((0.0, 0.58, 0.03), (0.08, 0.82, 0.025), 0x5a_3d22);
    let profile = [
        (-0.72, 0.16),
        (-0.66, 0.3),
        (-0.5, 0.43),
        (-0.3, 0.48),
        (-0.1, 0.45),
        (0.1, 0.34),
        (0.28, 0.24),
        (0.45, 0.2),
        (0.56, 0.15),
        (0.62, 0.05),
    ];
    canvas.turned(0.0, &profile, Plain(0xb7_b83a), 0xa2_a32f);
    canvas.face(&[(0.05, 0.68), (0.3, 0.66), (0.42, 0.78), (0.18, 0.82)], 0x4d_8a3a, [0.1, 0.6, 0.8]);
}

fn apple(canvas: &mut Canvas) {
    canvas.shadow(0.0, -0.6, 0.5);
    let profile =
        [(-0.6, 0.22), (-0.54, 0.36), (-0.36, 0.5), (-0.1, 0.59), (0.12, 0.6), (0.3, 0.52), (0.42, 0.36), (0.46, 0.16)];
    canvas.turned(0.0, &profile, Plain(0xc4_2b35), 0x8f_1d27);
    canvas.wire(&[(0.0, 0.44), (0.02, 0.6), (0.08, 0.72)], 0.03, 0x55_3a20);
    canvas.face(&[(0.06, 0.58), (0.26, 0.54), (0.44, 0.66), (0.22, 0.74)], 0x4f_9a3d, [0.1, 0.6, 0.8]);
}

fn ice_cream(canvas: &mut Canvas) {
    canvas.turned(
        0.0,
        &[(-0.88, 0.01), (0.02, 0.3)],
        Bands(&[(-1.0, 0xc8_8a45), (-0.6, 0xb5_7835), (-0.4, 0xc8_8a45), (-0.2, 0xb5_7835), (-0.06, 0xc8_8a45)]),
        0xc8_8a45,
    );
    canvas.ball(-0.17, 0.14, 0.25, 0.24, Plain(0x6b_4226));
    canvas.ball(0.18, 0.14, 0.25, 0.24, Plain(0xe8_8fb0));
    canvas.ball(0.0, 0.42, 0.26, 0.25, Plain(0x8f_cfa0));
    canvas.ball(0.0, 0.72, 0.09, 0.09, Plain(0xc0_1f2f));
}

fn cupcake(canvas: &mut Canvas) {
    canvas.shadow(0.0, -0.66, 0.5);
    let paper = Bands(&[(-1.0, 0x3d_7ea6), (-0.5, 0x5a_a0c8), (-0.34, 0x3d_7ea6), (-0.18, 0x5a_a0c8)]);
    canvas.turned(0.0, &[(-0.66, 0.34), (-0.04, 0.5)], paper, 0x8a_5a30);
    canvas.turned(0.0, &[(-0.04, 0.5), (0.06, 0.56), (0.16, 0.5), (0.2, 0.42)], Plain(0xd9_6a94), 0xd9_6a94);
    canvas.turned(0.0, &[(0.18, 0.4), (0.26, 0.44), (0.36, 0.36), (0.4, 0.28)], Plain(0xe0_7aa2), 0xe0_7aa2);
    canvas.turned(0.0, &[(0.38, 0.26), (0.46, 0.28), (0.56, 0.18), (0.62, 0.05)], Plain(0xe8_8ab0), 0xe8_8ab0);
    canvas.ball(0.0, 0.68, 0.1, 0.1, Plain(0xb8_1828));
}

fn pawn(canvas: &mut Canvas) {
    canvas.shadow(0.0, -0.76, 0.5);
    let profile = [
        (-0.76, 0.42),
        (-0.66, 0.43),
        (-0.6, 0.36),
        (-0.5, 0.34),
        (-0.42, 0.22),
        (-0.1, 0.14),
        (0.14, 0.12),
        (0.18, 0.25),
        (0.24, 0.25),
        (0.28, 0.12),
    ];
    canvas.turned(0.0, &profile, Plain(0x3a_3230), 0x3a_3230);
    canvas.ball(0.0, 0.46, 0.25, 0.25, Plain(0x3a_3230));
}

fn rook(canvas: &mut Canvas) {
    canvas.shadow(0.0, -0.76, 0.5);
    let profile = [
        (-0.76, 0.46),
        (-0.64, 0.46),
        (-0.58, 0.36),
        (-0.46, 0.32),
        (0.2, 0.25),
        (0.26, 0.36),
        (0.34, 0.38),
        (0.44, 0.38),
    ];
    canvas.turned(0.0, &profile, Plain(0xc2_a878), 0x8f_784e);
    for x in [-0.29, 0.0, 0.29] {
        canvas.turned(x, &[(0.4, 0.09), (0.62, 0.09)], Plain(0xc2_a878), 0xd4_bc8e);
    }
}

fn lantern(canvas: &mut Canvas) {
    canvas.shadow(0.0, -0.78, 0.45);
    canvas.ring(0.0, 0.66, (0.2, 0.18), 0.025, 0x2c_3036);
    canvas.turned(
        0.0,
        &[(-0.56, 0.26), (0.26, 0.26)],
        Bands(&[(-1.0, 0xf0_a830), (-0.3, 0xf7_cf5a), (0.0, 0xf0_b840)]),
        0xf7_cf5a,
    );
    for x in [-0.28, 0.0, 0.28] {
        canvas.rod((x, -0.58, 0.025), (x, 0.26, 0.025), 0x2c_3036);
    }
    canvas.turned(0.0, &[(-0.78, 0.4), (-0.7, 0.4), (-0.62, 0.32), (-0.54, 0.32)], Plain(0x35_3b44), 0x44_4b55);
    canvas.turned(0.0, &[(0.22, 0.36), (0.28, 0.38), (0.5, 0.12), (0.56, 0.1)], Plain(0x35_3b44), 0x35_3b44);
}

fn barrel(canvas: &mut Canvas) {
    canvas.shadow(0.0, -0.72, 0.55);
    let profile = [(-0.72, 0.4), (-0.5, 0.47), (-0.2, 0.52), (0.1, 0.52), (0.4, 0.47), (0.62, 0.4)];
    let hoops = Bands(&[
        (-1.0, 0x95_6030),
        (-0.58, 0x4a_4d52),
        (-0.46, 0x95_6030),
        (-0.2, 0x4a_4d52),
        (-0.1, 0x95_6030),
        (0.02, 0x4a_4d52),
        (0.12, 0x95_6030),
        (0.4, 0x4a_4d52),
        (0.52, 0x95_6030),
    ]);
    canvas.turned(0.0, &profile, hoops, 0xb9_8048);
}

fn flowerpot(canvas: &mut Canvas) {
    canvas.shadow(0.0, -0.8, 0.4);
    canvas.rod((0.0, -0.3, 0.03), (0.0, 0.36, 0.025), 0x3c_7a3a);
    canvas.rod((0.0, -0.12, 0.05), (-0.28, 0.06, 0.01), 0x4f_9a48);
    canvas.rod((0.0, -0.04, 0.05), (0.28, 0.14, 0.01), 0x4f_9a48);
    for step in 0_u8..8 {
        let (sine, cosine) = (f32::from(step) / 4.0 * std::f32::consts::PI).sin_cos();
        canvas.ball(0.19 * cosine, 0.5 + 0.19 * sine, 0.12, 0.12, Plain(0xe2_4f7b));
    }
    canvas.ball(0.0, 0.5, 0.13, 0.13, Plain(0xf2_b632));
    canvas.turned(0.0, &[(-0.8, 0.24), (-0.44, 0.34), (-0.42, 0.4), (-0.3, 0.4)], Plain(0xb9_5f3a), 0x4a_3324);
    canvas.rod((0.0, -0.3, 0.03), (0.0, -0.2, 0.03), 0x3c_7a3a);
}

fn umbrella(canvas: &mut Canvas) {
    canvas.wire(&[(0.0, 0.1), (0.0, -0.66), (0.04, -0.76), (0.12, -0.8), (0.2, -0.76), (0.22, -0.66)], 0.03, 0x5a_3a22);
    let dome = [(0.06, 0.78), (0.2, 0.73), (0.36, 0.6), (0.5, 0.42), (0.6, 0.22), (0.66, 0.03)];
    canvas.turned(
        0.0,
        &dome,
        Bands(&[(-1.0, 0x6a_3fa0), (0.2, 0x85_55c0), (0.36, 0x6a_3fa0), (0.52, 0x85_55c0)]),
        0x85_55c0,
    );
    canvas.rod((0.0, 0.66, 0.025), (0.0, 0.8, 0.012), 0x5a_3a22);
}

fn mug(canvas: &mut Canvas) {
    canvas.shadow(-0.05, -0.62, 0.55);
    canvas.ring(0.42, -0.02, (0.28, 0.32), 0.065, 0xd1_5a2c);
    canvas.turned(
        -0.08,
        &[(-0.62, 0.4), (-0.56, 0.44), (0.5, 0.44)],
        Bands(&[(-1.0, 0xd1_5a2c), (-0.2, 0xf3_e2c4), (0.12, 0xd1_5a2c)]),
        0x4a_2c1c,
    );
}

fn house(canvas: &mut Canvas) {
    canvas.shadow(0.08, -0.64, 0.75);
    canvas.block((-0.6, -0.66), (0.4, 0.1), 0.5, 0xd3_b07a);
    canvas.face(&[(0.4, 0.1), (0.675, 0.3), (0.175, 0.78), (-0.1, 0.58)], 0x8f_2f2a, [0.6, 0.5, 0.5]);
    canvas.face(&[(-0.68, 0.06), (0.48, 0.06), (-0.1, 0.62)], 0xb5_3d34, [-0.2, 0.4, 0.9]);
    canvas.block((0.2, 0.42), (0.32, 0.84), 0.12, 0x7d_4a3a);
    canvas.block((-0.2, -0.66), (0.04, -0.2), 0.0, 0x5a_3a26);
    canvas.block((-0.5, -0.34), (-0.3, -0.12), 0.0, 0x6f_b4d8);
    canvas.block((0.14, -0.34), (0.32, -0.12), 0.0, 0x6f_b4d8);
}

fn balloon(canvas: &mut Canvas) {
    canvas.wire(&[(-0.26, -0.2), (-0.14, -0.62)], 0.014, 0x6a_4a2c);
    canvas.wire(&[(0.26, -0.2), (0.14, -0.62)], 0.014, 0x6a_4a2c);
    let envelope = [
        (-0.32, 0.14),
        (-0.16, 0.3),
        (0.04, 0.46),
        (0.24, 0.55),
        (0.42, 0.55),
        (0.6, 0.46),
        (0.74, 0.32),
        (0.84, 0.14),
        (0.87, 0.02),
    ];
    let stripes =
        Bands(&[(-1.0, 0xd6_4545), (-0.1, 0xf0_b93a), (0.14, 0x3f_8fbf), (0.4, 0xf0_b93a), (0.64, 0xd6_4545)]);
    canvas.turned(0.0, &envelope, stripes, 0xd6_4545);
    canvas.turned(0.0, &[(-0.86, 0.14), (-0.62, 0.18)], Plain(0x9a_6a38), 0x6a_4520);
}
