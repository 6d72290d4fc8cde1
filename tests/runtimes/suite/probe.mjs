// Sees the WebAssembly memories that are made. To be imported before the package.
const instances = [];
const { Instance, instantiate, instantiateStreaming } = WebAssembly;

WebAssembly.Instance = class extends Instance {
  constructor(...values) {
    super(...values);
    instances.push(this);
  }
};
const remember = (made) => {
  instances.push(made.instance ?? made);
  return made;
};
WebAssembly.instantiate = (...values) => instantiate.apply(WebAssembly, values).then(remember);
if (instantiateStreaming) WebAssembly.instantiateStreaming = (...values) => instantiateStreaming.apply(WebAssembly, values).then(remember);

/** Bytes of all memories together. */
export const memoryBytes = () => {
  const memories = instances.flatMap(({ exports }) => Object.values(exports).filter((value) => value instanceof WebAssembly.Memory));
  if (memories.length === 0) throw new Error('the package has made no WebAssembly memory');
  return memories.reduce((sum, memory) => sum + memory.buffer.byteLength, 0);
};
