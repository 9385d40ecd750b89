import { ApiError } from '../api/client';

/** What went wrong, as a sentence for where there is room for no more. */
export function said(error: Error): string {
  if (!(error instanceof ApiError) || error.detail === '') return error.message;
  return error.detail.charAt(0).toUpperCase() + error.detail.slice(1);
}
