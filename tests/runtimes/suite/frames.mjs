// FrameDecoder: frames as they lie in a capture.
import { FrameDecoder } from 'sockeye';

import { bytes, concat, equal, noise, utf8 } from './harness.mjs';

const frame = (fields) => ({
  offset: 0, headerLength: 2, fin: true, rsv1: false, rsv2: false, rsv3: false, opcode: 1, maskingKey: null, payloadLength: 0, payload: new Uint8Array(), violations: [], ...fields,
});
const fieldsOf = (found) => found.map(({ offset, headerLength, fin, rsv1, rsv2, rsv3, opcode, maskingKey, payloadLength, payload, violations }) => (
  { offset, headerLength, fin, rsv1, rsv2, rsv3, opcode, maskingKey, payloadLength, payload, violations: [...violations] }
));
const decode = (data, options) => fieldsOf(new FrameDecoder(options).decode(data));
const violations = (digits, sender) => decode(bytes(digits), { sender })[0].violations;

export default {
  'the examples of RFC 6455 section 5.7 are told field by field'() {
    equal(decode(bytes('81 05 48656c6c6f')), [frame({ payloadLength: 5, payload: utf8('Hello') })]);
    equal(decode(bytes('81 85 37fa213d 7f9f4d5158')), [frame({ headerLength: 6, maskingKey: bytes('37fa213d'), payloadLength: 5, payload: utf8('Hello') })]);
    equal(decode(bytes('01 03 48656c 80 02 6c6f')), [
      frame({ fin: false, payloadLength: 3, payload: utf8('Hel') }),
      frame({ offset: 5, opcode: 0, payloadLength: 2, payload: utf8('lo') }),
    ]);
    equal(decode(concat(bytes('82 7e 0100'), noise(256))), [frame({ headerLength: 4, opcode: 2, payloadLength: 256, payload: noise(256) })]);
    equal(decode(concat(bytes('82 7f 0000000000010000'), noise(65_536))), [frame({ headerLength: 10, opcode: 2, payloadLength: 65_536, payload: noise(65_536) })]);
  },

  'both directions are read, and reserved bits are told'() {
    equal(decode(bytes('f1 00')), [frame({ rsv1: true, rsv2: true, rsv3: true, violations: decode(bytes('f1 00'))[0].violations })]);
    equal(decode(bytes('c1 07 f248cdc9c90700'))[0].rsv1, true);
    equal(decode(bytes('8f 00'))[0].opcode, 15);
  },

  'every cut gives the same frames'() {
    const data = concat(bytes('81 85 37fa213d 7f9f4d5158 01 03 48656c 89 00 80 02 6c6f 82 fe 0080 01020304'), noise(128), bytes('88 02 03e8'));
    const expected = decode(data);
    equal(expected.length, 6);
    for (let cut = 0; cut <= data.length; cut += 1) {
      const decoder = new FrameDecoder();
      equal(fieldsOf([...decoder.decode(data.slice(0, cut)), ...decoder.decode(data.slice(cut))]), expected, `cut at ${cut}`);
      equal(decoder.pending, 0);
      decoder.free();
    }
    const decoder = new FrameDecoder();
    equal(fieldsOf(Array.from(data).flatMap((byte) => decoder.decode(Uint8Array.of(byte)))), expected, 'byte by byte');
  },

  'an unfinished frame is pending'() {
    const decoder = new FrameDecoder();
    equal(decoder.pending, 0);
    decoder.decode(bytes('81'));
    equal(decoder.pending, 1);
    decoder.decode(bytes('05 4865'));
    equal(decoder.pending, 4);
    equal(decoder.decode(bytes('6c6c6f')).length, 1);
    equal(decoder.pending, 0);
  },

  'rules that a frame breaks by itself are told by their codes'() {
    equal(violations('81 85 37fa213d 7f9f4d5158', 'client'), []);
    equal(violations('81 05 48656c6c6f', 'server'), []);
    equal(violations('81 05 48656c6c6f', 'client'), ['MASK_MISSING']);
    equal(violations('81 85 37fa213d 7f9f4d5158', 'server'), ['MASK_UNEXPECTED']);
    equal(violations('83 00'), ['RESERVED_OPCODE']);
    equal(violations('8b 00'), ['RESERVED_OPCODE']);
    equal(violations('09 00'), ['CONTROL_FRAGMENTED']);
    equal(violations('81 7e 0001 41'), ['LENGTH_NOT_MINIMAL']);
    equal(decode(concat(bytes('89 7e 007e'), noise(126)))[0].violations, ['CONTROL_TOO_LONG']);
    equal(violations('a1 00'), ['RESERVED_BITS']);
    // Whether RSV1 is right depends on what was negotiated.
    equal(violations('0b 00', 'client').toSorted?.() ?? violations('0b 00', 'client').sort(), ['CONTROL_FRAGMENTED', 'MASK_MISSING', 'RESERVED_OPCODE']);
  },

  'no more payload is kept than was asked for'() {
    const [cut, next] = decode(concat(bytes('82 7e 0400'), noise(1024), bytes('81 02 6869')), { payload: 10 });
    equal([cut.payloadLength, cut.payload], [1024, noise(10)]);
    equal([next.offset, next.payload], [1028, utf8('hi')]);
    equal(decode(bytes('81 02 6869'), { payload: 0 })[0].payload.length, 0);
  },

  'offsets count from the beginning'() {
    const decoder = new FrameDecoder();
    let offset = 0;
    for (const length of [0, 1, 125]) {
      const [found] = decoder.decode(concat(Uint8Array.of(0x82, length), noise(length)));
      equal(found.offset, offset);
      offset += 2 + length;
    }
  },

  'random bytes never break it'() {
    for (let seed = 1; seed <= 500; seed += 1) {
      const decoder = new FrameDecoder({ payload: 100 });
      const data = noise(200, seed);
      decoder.decode(data.subarray(0, seed % 200));
      decoder.decode(data.subarray(seed % 200));
      decoder.free();
    }
  },
};
