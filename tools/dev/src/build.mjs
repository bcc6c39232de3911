// `npm run build`: installs when needed and builds every package.
import { setUpAndBuild } from './setup.mjs';

setUpAndBuild();
