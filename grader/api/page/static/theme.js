// Before the first paint, and so not a module: the chosen colours, if they are not the system's.
try {
  const theme = localStorage.getItem("grading.theme");
  if (theme) document.documentElement.dataset.theme = theme;
} catch {
  // Storage is off: the colours of the system.
}
