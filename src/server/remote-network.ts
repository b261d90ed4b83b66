/** Whose a remote address is: who has one address of IPv6 has its whole /64, spelt with all its groups. */
export function toNetwork(address: string): string {
  if (!address.includes(':') || address.includes('.')) return address;
  const [head = '', tail] = address.split('::', 2);
  const groups = toGroups(head);
  const last = tail === undefined ? [] : toGroups(tail);
  const zeros = Array.from({ length: 8 - groups.length - last.length }, () => '0');
  return [...groups, ...zeros, ...last].slice(0, 4).join(':');
}

function toGroups(text: string): readonly string[] {
  return text === '' ? [] : text.split(':');
}
