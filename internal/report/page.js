
// The picture measures its texts when it loads, and a browser does not lay out
// a frame that is out of sight: so it loads when it comes into view.
for (const frame of document.querySelectorAll('iframe[data-document]')) {
  new IntersectionObserver((entries, observer) => {
    if (entries.some((entry) => entry.isIntersecting)) {
      observer.disconnect()
      frame.srcdoc = frame.dataset.document
    }
  }).observe(frame)
}
