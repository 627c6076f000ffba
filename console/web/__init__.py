"""The pages: server-made HTML over the store and the cases. Nothing is loaded from elsewhere."""
