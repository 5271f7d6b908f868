/** Where instructions stand: so many characters of each end of a prompt that is longer than both. */
export function endsOf(prompt: string, characters: number): string {
  return prompt.length > 2 * characters ? `${prompt.slice(0, characters)}\n${prompt.slice(-characters)}` : prompt;
}
