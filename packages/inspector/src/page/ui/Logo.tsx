/**
 * The mark of Plugline: a request on its way down, and on its way back.
 *
 * @module
 */

export const Logo = () => (
  <svg viewBox="0 0 32 32" aria-hidden>
    <rect width="32" height="32" rx="8" fill="#1463d6" />
    <g fill="none" stroke="#fff" strokeWidth="2.6" strokeLinecap="round">
      <path d="M11 6v20M21 26V6" />
    </g>
    <g fill="#1463d6" stroke="#fff" strokeWidth="2.4">
      <circle cx="11" cy="12" r="3.1" />
      <circle cx="21" cy="20" r="3.1" />
    </g>
  </svg>
)
