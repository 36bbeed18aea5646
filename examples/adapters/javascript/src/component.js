/** The component's entry point: installs the real host, and exports the contract's functions. */
import 'flightdeck-adapter/component';

export { adServer } from './adapter.js';
