# The tables lavaan prints of what ab.to_lavaan writes: Rscript fit_tables.R FOLDER OUTPUT
#
# FOLDER holds the files of export_data.py and of export_syntax.py. Standardised solutions with their standard errors,
# R-squared, measures of fit, tests of nested models, modification indices and tests of released equalities.

source(file.path(dirname(sub("^--file=", "", grep("^--file=", commandArgs(), value = TRUE))), "shared.R"))

arguments <- commandArgs(trailingOnly = TRUE)
if (length(arguments) != 2) stop("usage: Rscript fit_tables.R FOLDER OUTPUT")
folder <- arguments[1]
cases <- read.csv(file.path(folder, "syntax", "cases.csv"), colClasses = "character", na.strings = character(0))

fit_case <- function(key, estimator = "ML") {
  case <- cases[cases$key == key, ]
  text <- paste(readLines(file.path(folder, "syntax", case$file)), collapse = "\n")
  frame <- read.csv(file.path(folder, paste0(case$data, ".csv")))
  options <- list(
    model = text, data = frame, missing = "ml", estimator = estimator, information = "observed",
    observed.information = "hessian", baseline = FALSE, em.h1.iter.max = 50000L, em.h1.tol = 1e-10,
    control = list(iter.max = 20000, eval.max = 40000)
  )
  if (nzchar(case$group)) {
    options$group <- case$group
    options$group.label <- sort(unique(as.character(frame[[case$group]])))
  }
  fit <- do.call(lavaan, options)
  stopifnot(lavInspect(fit, "converged"))
  fit
}

measures <- function(fit, estimator) {
  columns <- lavNames(fit, "ov")
  frame <- as.data.frame(do.call(rbind, lavInspect(fit, "data", drop.list.single.group = FALSE)))
  names(frame) <- columns
  baseline <- lavaan(paste0(columns, " ~~ ", columns, "\n", columns, " ~ 1", collapse = "\n"),
    data = frame, missing = "ml", meanstructure = TRUE, estimator = estimator,
    baseline = FALSE, em.h1.iter.max = 50000L, em.h1.tol = 1e-10
  )
  wanted <- c(
    "chisq", "df", "pvalue", "chisq.scaled", "chisq.scaling.factor", "baseline.chisq", "baseline.df", "cfi", "tli",
    "rmsea", "rmsea.ci.lower", "rmsea.ci.upper", "rmsea.pvalue", "srmr", "aic", "bic", "cfi.robust", "tli.robust",
    "rmsea.robust", "rmsea.ci.lower.robust", "rmsea.ci.upper.robust", "rmsea.pvalue.robust"
  )
  found <- quietly(fitMeasures(fit, baseline.model = baseline))$value
  as.list(found[intersect(wanted, names(found))])
}

# Numbers of each row by "lhs op rhs", with the number of the group after it where there are several.
rows_of <- function(table, columns) {
  names <- trimws(paste(table$lhs, table$op, table$rhs))
  if (!is.null(table$group) && max(table$group) > 1) names <- paste0(names, ", group ", table$group)
  setNames(lapply(seq_len(nrow(table)), function(i) unlist(table[i, columns], use.names = FALSE)), names)
}

standardised <- function(fit) {
  table <- standardizedSolution(fit)
  rows_of(table[table$op %in% c("=~", "~", "~~", "~1"), ], c("est.std", "se"))
}

r_squared <- function(fit) {
  found <- lavInspect(fit, "rsquare")
  if (!is.list(found)) found <- list(found)
  names(found) <- paste("group", seq_along(found))
  lapply(found, as.list)
}

indices <- function(fit) {
  table <- modindices(fit)
  rows_of(table[!is.na(table$mi), ], c("mi", "epc", "sepc.all"))
}

# Tests of one equality released, by its two sides.
released <- function(fit) {
  constraints <- quietly(lavTestScore(fit, epc = FALSE))$value$uni
  table <- parTable(fit)
  of <- function(label) {
    row <- table[table$plabel == label, ]
    trimws(paste(row$lhs, row$op, row$rhs))
  }
  names <- paste(vapply(constraints$lhs, of, ""), "==", vapply(constraints$rhs, of, ""))
  setNames(as.list(constraints$X2), names)
}

tests_of <- function(smaller, larger) {
  table <- lavTestLRT(larger, smaller)
  list(chisq = table[["Chisq diff"]][2], df = as.integer(table[["Df diff"]][2]), p = table[["Pr(>Chisq)"]][2])
}

solved <- c(
  "help/riclpm/equal", "wages5/riclpm/free", "wages5/clpm/equal", "dpm2/dpm/equal", "growth2/lcmsr/equal",
  "sites2/riclpm/equal/groups/free", "items2/riclpm/equal/indicators/weak"
)
measured <- c("help/riclpm/equal", "wages5/clpm/equal", "three/clpm/equal", "dpm2_missing/dpm/equal/residuals equal")
searched <- c(
  "help/riclpm/equal", "wages5/clpm/equal", "dpm2_missing/dpm/equal/residuals equal",
  "items2/riclpm/equal/indicators/weak"
)
nested <- list(
  c("help/riclpm/equal", "help/riclpm/free"), c("wages5/riclpm/equal", "wages5/riclpm/free"),
  c("wages5/clpm/equal", "wages5/clpm/free"), c("help/clpm/equal", "help/riclpm/equal")
)

fits <- list()
for (key in solved) {
  fit <- fit_case(key)
  fits[[key]]$standardized <- standardised(fit)
  fits[[key]]$`R-squared` <- r_squared(fit)
}
for (key in searched) {
  fit <- fit_case(key)
  fits[[key]]$`modification indices` <- indices(fit)
  fits[[key]]$released <- released(fit)
}
for (key in measured) for (estimator in c("ML", "MLR")) {
  fits[[key]][[paste("measures", estimator)]] <- measures(fit_case(key, estimator), estimator)
}
tests <- list()
for (pair in nested) for (estimator in c("ML", "MLR")) {
  key <- paste0(pair[1], " in ", pair[2], ", ", estimator)
  tests[[key]] <- c(
    list(smaller = pair[1], larger = pair[2], estimator = estimator),
    quietly(tests_of(fit_case(pair[1], estimator), fit_case(pair[2], estimator)))$value
  )
  cat(key, "\n")
}
versions <- list(
  lavaan = packageDescription("lavaan")$Version, R = paste(R.version$major, R.version$minor, sep = "."),
  date = as.character(Sys.Date())
)
options(json.indent = 1)
writeLines(to_json(c(versions, list(fits = fits, tests = tests))), arguments[2])
