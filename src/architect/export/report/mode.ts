/** Whether proxies refuse a request, or only report that they would. */
export type ExportMode = 'enforce' | 'report';
export const EXPORT_MODES = ['enforce', 'report'] as const satisfies readonly ExportMode[];
