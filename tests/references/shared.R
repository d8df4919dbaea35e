# What fit_lavaan.R and fit_lavaan_family.R share; each of them sources this file.

suppressPackageStartupMessages(library(lavaan))

quietly <- function(expression) {
  said <- character(0)
  value <- withCallingHandlers(expression, warning = function(w) {
    said <<- c(said, trimws(gsub("[[:space:]]+", " ", conditionMessage(w))))
    invokeRestart("muffleWarning")
  })
  list(value = value, warnings = unique(said))
}

# The independence model: free means and variances, nothing else. lavaan's own baseline fit fails when the
# main model is given numeric starts, so it is fitted here.
independence <- function(columns, ...) {
  quietly(lavaan(paste0(columns, " ~~ ", columns, "\n", columns, " ~ 1", collapse = "\n"),
    meanstructure = TRUE, estimator = "ML", likelihood = "normal", se = "none", em.h1.iter.max = 50000L,
    em.h1.tol = 1e-10, baseline = FALSE, ...
  ))$value
}

# ---- JSON, ten significant digits ----

to_json <- function(x, indent = "") {
  deeper <- paste0(indent, strrep(" ", getOption("json.indent", 2)))
  text <- function(s) paste0('"', gsub('"', '\\"', gsub("\\", "\\\\", s, fixed = TRUE), fixed = TRUE), '"')
  if (is.list(x)) {
    if (length(x) == 0) return("[]")
    items <- vapply(x, to_json, "", indent = deeper)
    flat <- paste(items, collapse = ", ")
    if (is.null(names(x))) return(paste0("[\n", paste0(deeper, items, collapse = ",\n"), "\n", indent, "]"))
    keyed <- paste0(text(names(x)), ": ", items)
    if (all(vapply(x, function(v) is.atomic(v) && length(v) == 1, TRUE)) && nchar(flat) < 60) {
      return(paste0("{", paste(keyed, collapse = ", "), "}"))
    }
    return(paste0("{\n", paste0(deeper, keyed, collapse = ",\n"), "\n", indent, "}"))
  }
  one <- function(v) {
    if (is.character(v)) return(text(v))
    if (is.logical(v) && !is.na(v)) return(if (v) "true" else "false")
    if (!is.finite(v)) return("null")
    if (is.integer(v)) as.character(v) else formatC(v, digits = 10, format = "g", width = 1)
  }
  if (length(x) == 1) one(x) else paste0("[", paste(vapply(x, one, ""), collapse = ", "), "]")
}
