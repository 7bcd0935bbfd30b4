/** Thrown within this folder: the path is not understood. Its message continues "…, because". */
export class Unreadable extends Error {}
