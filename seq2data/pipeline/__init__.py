"""Stage 4 of 5: a real `tf.data.Dataset`; TensorFlow begins here."""
