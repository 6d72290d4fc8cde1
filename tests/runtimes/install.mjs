// node install.mjs TARBALL FOLDER: makes a project that has installed the package, with the programs of these tests beside it.
import { install } from './lib/project.mjs';

await install(process.argv[2], process.argv[3]);
process.exit(0);
