/**
 * Resolves with a release function once this tab is the only one that works; `onWait` is called if another is.
 * Two tabs with one key would sign two different results. Pages without Web Locks (plain http) cannot tell, and go on.
 */
export async function becomeOnlyTab(onWait: () => void): Promise<() => void> {
  const { locks } = navigator as { locks?: LockManager };
  if (!locks) return () => undefined;
  return await new Promise((resolve, reject) => {
    const hold = () => new Promise<void>((release) => resolve(() => release()));
    void locks
      .request("edgebounty-phone", { ifAvailable: true }, async (lock) => {
        if (lock) return await hold();
        onWait();
        locks.request("edgebounty-phone", hold).catch(reject);
      })
      .catch(reject);
  });
}
