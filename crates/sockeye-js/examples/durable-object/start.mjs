import { fileURLToPath } from 'node:url';

import { serve } from '../workerd.mjs';

const port = await serve(fileURLToPath(new URL('.', import.meta.url)), { port: process.env.PORT ?? 8083 });
console.log(`listening on http://127.0.0.1:${port}`);
console.log(`try: open http://127.0.0.1:${port}/kitchen in two windows; any other path is another room`);
