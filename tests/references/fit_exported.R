# Fit what ab.to_lavaan writes: Rscript fit_exported.R FOLDER OUTPUT [KEPT]
#
# FOLDER holds the files of export_data.py and of export_syntax.py; KEPT, if given, is a folder of finished fits. Every
# text goes to lavaan() as its own comment says, without standard errors and tests of fit.

source(file.path(dirname(sub("^--file=", "", grep("^--file=", commandArgs(), value = TRUE))), "shared.R"))

arguments <- commandArgs(trailingOnly = TRUE)
if (!length(arguments) %in% 2:3) stop("usage: Rscript fit_exported.R FOLDER OUTPUT [KEPT]")
folder <- arguments[1]
kept <- if (length(arguments) == 3) arguments[3] else tempfile("kept")
dir.create(kept, showWarnings = FALSE)

fit_syntax <- function(text, frame, group) {
  options <- list(model = text, data = frame, missing = "ml", se = "none", test = "none", baseline = FALSE, h1 = FALSE)
  if (nzchar(group)) {
    options$group <- group
    options$group.label <- sort(unique(as.character(frame[[group]])))
  }
  reached <- function(fit) !inherits(fit, "try-error") && lavInspect(fit, "converged")
  fit <- quietly(try(do.call(lavaan, options), silent = TRUE))$value
  list(`-2LL` = if (reached(fit)) -2 * fit@loglik$loglik else NA, npar = free_parameters(fit))
}

# Distinct free parameters, less the constraints that take some away.
free_parameters <- function(fit) {
  if (inherits(fit, "try-error")) return(NA)
  table <- parTable(fit)
  free <- table[table$free > 0, ]
  distinct <- length(unique(ifelse(nzchar(free$label), free$label, paste0("free ", free$free))))
  constrained <- sum(table$op == "==" & !grepl("^[.]p[0-9]+[.]$", table$lhs))
  as.integer(distinct - constrained)
}

cases <- read.csv(file.path(folder, "syntax", "cases.csv"), colClasses = "character", na.strings = character(0))
fits <- list()
for (i in seq_len(nrow(cases))) {
  case <- cases[i, ]
  file <- file.path(kept, paste0(case$fingerprint, "-", case$data, ".rds"))
  if (file.exists(file)) found <- readRDS(file) else {
    text <- paste(readLines(file.path(folder, "syntax", case$file)), collapse = "\n")
    frame <- read.csv(file.path(folder, paste0(case$data, ".csv")))
    seconds <- system.time(found <- fit_syntax(text, frame, case$group))[["elapsed"]]
    found$seconds <- seconds
    saveRDS(found, file)
  }
  cat(sprintf("%-100s %15.6f %3d %6.1f s\n", case$key, found$`-2LL`, found$npar, found$seconds))
  fits[[case$key]] <- c(list(fingerprint = case$fingerprint), found[c("-2LL", "npar")])
}

versions <- list(
  lavaan = packageDescription("lavaan")$Version, R = paste(R.version$major, R.version$minor, sep = "."),
  date = as.character(Sys.Date())
)
writeLines(to_json(c(versions, list(fits = fits))), arguments[2])
